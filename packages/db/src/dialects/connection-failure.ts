import { databaseError, type DatabaseError } from '../errors.ts'

/**
 * A request that got no answer from a database: refused, cut or too late. It can't be told whether a write was applied
 * (in workerd all three look alike), so it never counts as not applied.
 */
export function connectionFailure(cause: unknown): DatabaseError {
  if (isTimeout(cause)) {
    return databaseError('database_timeout', 'the database did not answer in time', { isNotApplied: false })
  }
  return databaseError('database_unreachable', 'the connection to the database was refused or broke', {
    isNotApplied: false,
  })
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof Error && (cause.name === 'TimeoutError' || cause.name === 'AbortError')
}
