/** The id of the term that a process leaves out. */
export const removedVariable = 'MILLRACE_GUARDS_REMOVED'
/** A file to which each suite appends which terms it has reached. */
export const coverageVariable = 'MILLRACE_GUARDS_COVERAGE'
/** A file to which a suite appends each statement's fault that no caller can cause, such as a syntax error. */
export const heardVariable = 'MILLRACE_GUARDS_HEARD'
