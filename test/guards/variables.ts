/** The id of the term that a process leaves out. */
export const removedVariable = 'MILLRACE_GUARDS_REMOVED'
/** A file to which each suite appends which terms it has reached. */
export const coverageVariable = 'MILLRACE_GUARDS_COVERAGE'
