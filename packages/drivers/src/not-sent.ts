import { DatabaseError } from '@millrace/db/sql/errors'

/**
 * A statement that a driver's limits do not allow, so that none of its batch was sent.
 * @param what What it has too much of, as `it has …` goes on.
 */
export function notSent(
  what: string,
  fix = 'This is a defect of millrace: report it with this message.',
): DatabaseError {
  return new DatabaseError('internal', {
    message: `the statement was not sent: it has ${what}`,
    fix,
    isNotApplied: true,
  })
}
