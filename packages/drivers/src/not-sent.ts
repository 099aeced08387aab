import { databaseError, type DatabaseError } from '@millrace/db/sql/errors'

/**
 * A statement that a driver's limits do not allow, so that none of its batch was sent.
 * @param what What it has too much of, as `it has …` goes on.
 * @param trouble A defect of ours, but where callers choose the size.
 */
export function notSent(what: string, trouble: 'internal' | 'row_too_large' = 'internal'): DatabaseError {
  return databaseError(trouble, `the statement was not sent: it has ${what}`, { isNotApplied: true })
}
