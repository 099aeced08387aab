/** Faults of statements that no caller can cause. */
const kinds = new Set(['internal', 'database_schema_outdated'])

/** What a statement ran into while it ran: it was read, and found more rows than there may be. */
const isOfRows = /more than (?:one|1) row/i

/** Whether a dialect could not read the statement. */
export function isFaultOfStatement(trouble: string, message: string): boolean {
  return kinds.has(trouble) && !message.includes('the gate is closed') && !isOfRows.test(message)
}
