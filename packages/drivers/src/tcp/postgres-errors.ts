import { DatabaseError as ServerError } from 'pg'
import { postgresError } from '@millrace/db/dialects/postgres/errors'
import { DatabaseError, databaseError } from '@millrace/db/sql/errors'
import { connectionTrouble, wordsAlone } from '../connection-failure.ts'

/** The server could not be reached: nothing was sent. */
export class PostgresUnreachableError extends Error {
  override readonly name = 'PostgresUnreachableError'
}

/** What pg throws, or {@link PostgresUnreachableError}. A TypeError is one of this code, and thrown on. */
export function readPostgresError(thrown: unknown): DatabaseError {
  if (thrown instanceof DatabaseError) return thrown
  if (thrown instanceof ServerError) {
    const { code = '', severity, message, constraint, column } = thrown
    return postgresError({ code, severity, message, constraint, column })
  }
  if (thrown instanceof PostgresUnreachableError) {
    const trouble = connectionTrouble(thrown.message) ?? 'database_unreachable'
    return databaseError(trouble, wordsAlone(thrown.message), { isNotApplied: true })
  }
  if (thrown instanceof TypeError) throw thrown
  return databaseError('database_unreachable', 'the connection to the database broke', { isNotApplied: false })
}
