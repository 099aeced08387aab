import { DatabaseError } from 'pg'
import { MysqlConnectionLostError, MysqlManyResultsError } from '@millrace/drivers/native/mysql-connection'
import { MysqlServerError, MysqlUnreachableError } from '@millrace/drivers/tcp/mysql-errors'
import { PostgresConnectionLostError } from '@millrace/drivers/native/postgres-connection'
import { poolTimeoutMark } from '@millrace/drivers/gateway-wire'
import { PostgresUnreachableError } from '@millrace/drivers/tcp/postgres-errors'
import { SqliteFailure } from '@millrace/drivers/native/sqlite-connection'
import { StreamError } from './hrana-errors.ts'
import { PoolAbortedError, PoolBusyError, PoolClosedError } from '@millrace/drivers/native/pool'
import { WriteLockBusyError } from './write-lock.ts'

/** What went wrong with a request, for metrics: a closed list, whatever the protocol says about it. */
export type GatewayErrorCode =
  /** No connection came free within `pool_timeout`. */
  | typeof poolTimeoutMark
  /** SQLite's write lock did not come free in time. */
  | 'lock_timeout'
  | 'unreachable'
  /** The connection broke under a statement. */
  | 'connection_lost'
  /** The database refused a statement, a log-in among them. */
  | 'database'
  | 'client_gone'
  | 'closing'
  /** A request that the protocol doesn't allow. */
  | 'protocol'

export function errorCodeOf(error: unknown): GatewayErrorCode {
  if (error instanceof PoolBusyError) return poolTimeoutMark
  if (error instanceof WriteLockBusyError) return 'lock_timeout'
  if (error instanceof PoolClosedError) return 'closing'
  if (error instanceof PoolAbortedError) return 'client_gone'
  if (error instanceof PostgresUnreachableError || error instanceof MysqlUnreachableError) return 'unreachable'
  if (error instanceof PostgresConnectionLostError || error instanceof MysqlConnectionLostError) {
    return 'connection_lost'
  }
  const isOfDatabase = [DatabaseError, MysqlServerError, MysqlManyResultsError, SqliteFailure, StreamError]
  return isOfDatabase.some((kind) => error instanceof kind) ? 'database' : 'protocol'
}
