import { LibsqlError } from '@libsql/client/http'
import { sqliteError, troubleOfSqlite } from '@millrace/db/dialects/sqlite/errors'
import type { DatabaseError } from '@millrace/db/sql/errors'
import type { Trouble } from '@millrace/db/sql/troubles'
import { connectionFailure } from '../connection-failure.ts'
import { poolTimeoutMark } from '../gateway-wire.ts'

/** Reads what the libSQL client throws. */
export function readLibsqlError(thrown: unknown): DatabaseError {
  if (!(thrown instanceof LibsqlError)) return connectionFailure(thrown)
  const trouble = troubleOf(thrown) ?? troubleOfStatus(httpStatusOf(thrown))
  if (trouble === undefined) return connectionFailure(thrown.cause ?? thrown)
  return sqliteError(trouble, thrown.message)
}

function troubleOf({ code, message }: LibsqlError): Trouble | undefined {
  if (message.includes(poolTimeoutMark)) return 'pool_exhausted'
  if (code.startsWith('AUTH_')) return 'token_refused'
  return troubleOfSqlite({ code, message }) ?? (/^SQL_(?:PARSE|INPUT)_ERROR/.test(code) ? 'internal' : undefined)
}

function troubleOfStatus(status: number | undefined): Trouble | undefined {
  if (status === 401 || status === 403) return 'token_refused'
  if (status === 404) return 'database_missing'
  return status === 429 || status === 503 ? 'database_busy' : undefined
}

function httpStatusOf(thrown: LibsqlError): number | undefined {
  const { cause } = thrown
  return typeof cause === 'object' && cause !== null && 'status' in cause && typeof cause.status === 'number'
    ? cause.status
    : undefined
}
