import { databaseError } from '@millrace/db/sql/errors'
import type { ConnectionLog } from './log.ts'
import { PoolAbortedError, PoolBusyError, PoolClosedError } from './pool.ts'

export interface NativeOptions {
  /** How long one round trip may take. */
  readonly timeoutSeconds: number
  readonly log: ConnectionLog
  /** MySQL only: count the rows that an UPDATE matched instead of those that it changed. */
  readonly foundRows?: boolean
}

/** Why the pool lent no connection, as a DatabaseError; undefined where that was not it. */
export function poolFailure(thrown: unknown) {
  const isRefusal = [PoolBusyError, PoolClosedError, PoolAbortedError].some((kind) => thrown instanceof kind)
  if (!isRefusal) return undefined
  return databaseError('pool_exhausted', 'no connection to the database was free', { isNotApplied: true })
}
