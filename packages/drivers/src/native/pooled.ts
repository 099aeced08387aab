import { databaseError, type DatabaseError } from '@millrace/db/sql/errors'
import type { ConnectionLog } from './log.ts'
import { PoolAbortedError, PoolBusyError, PoolClosedError } from './pool.ts'

export interface NativeOptions {
  /** How long one round trip may take. */
  readonly timeoutSeconds: number
  readonly log: ConnectionLog
  /** MySQL only: count the rows that an UPDATE matched instead of those that it changed. */
  readonly foundRows?: boolean
  /** SQLite only. */
  readonly file?: SqliteFileOptions | undefined
}

export interface SqliteFileOptions {
  /** The file keeps its journal mode: nothing of it changes unless a statement changes it. */
  readonly onlyReads?: boolean | undefined
  /**
   * For moving any number of rows: what is large is sorted in files of TMPDIR, which has to be writable then, and a turn of
   * the event loop stands before each statement, so that signals and finalizers have theirs.
   */
  readonly movesRows?: boolean | undefined
}

/**
 * How long a driver of this process keeps a connection beyond `pool_size` that has no work: to open one anew costs
 * PostgreSQL a process, and either server the plans of all its statements.
 */
export const overflowIdleSeconds = 10

/** Why the pool lent no connection, as a DatabaseError; undefined where that was not it. */
export function poolFailure(thrown: unknown) {
  const isRefusal = [PoolBusyError, PoolClosedError, PoolAbortedError].some((kind) => thrown instanceof kind)
  if (!isRefusal) return undefined
  return databaseError('pool_exhausted', 'no connection to the database was free', { isNotApplied: true })
}

/**
 * A server that takes no writes any more, since another is the primary now, may keep its sessions: then the database's name
 * leads to the other, and only new connections reach it.
 */
export function outdatingIfDemoted(pool: { outdate(): void }, failure: DatabaseError): DatabaseError {
  if (failure.trouble === 'read_only') pool.outdate()
  return failure
}
