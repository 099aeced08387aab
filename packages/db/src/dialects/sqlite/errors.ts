import { LibsqlError } from '@libsql/client/http'
import { databaseError, type DatabaseError, type DatabaseFault } from '../../errors.ts'
import { connectionFailure } from '../connection-failure.ts'

/** Reads what the libSQL client throws. Codes: https://www.sqlite.org/rescode.html, by their start. */
export function readSqliteError(thrown: unknown): DatabaseError {
  if (!(thrown instanceof LibsqlError)) return connectionFailure(thrown)
  const status = httpStatusOf(thrown)
  if (status === 401 || status === 403) {
    return databaseError('database_auth_failed', 'the libSQL server refused the token', { isNotApplied: true })
  }
  if (status === 404) {
    return databaseError('database_missing', 'the libSQL server knows no such database', { isNotApplied: true })
  }
  if (status === 429 || status === 503) {
    return databaseError('database_busy', 'no connection to the database was free', { isNotApplied: true })
  }
  const fault = faultOf(thrown)
  if (fault === undefined) return connectionFailure(thrown.cause ?? thrown)
  return databaseError(fault, `SQLite: ${thrown.message}`, {
    isNotApplied: true,
    constraint: fault === 'unique_violation' ? uniqueIndexIn(thrown.message) : undefined,
  })
}

function faultOf({ code, message }: LibsqlError): DatabaseFault | undefined {
  if (/no such (?:table|column)/.test(message)) return 'database_schema_outdated'
  if (/UNIQUE constraint failed/.test(message)) return 'unique_violation'
  if (/FOREIGN KEY constraint failed/.test(message)) return 'foreign_key_violation'
  if (/(?:CHECK|NOT NULL) constraint failed/.test(message)) return 'check_violation'
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'database_busy'
  if (code.startsWith('SQLITE_INTERRUPT')) return 'database_timeout'
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_NOTADB')) return 'database_missing'
  if (code.startsWith('SQLITE_AUTH') || code.startsWith('SQLITE_PERM')) return 'database_auth_failed'
  if (code.startsWith('SQLITE') || code === 'SQL_PARSE_ERROR' || code === 'SQL_INPUT_ERROR') return 'internal'
  return undefined
}

function httpStatusOf(thrown: LibsqlError): number | undefined {
  const { cause } = thrown
  return typeof cause === 'object' && cause !== null && 'status' in cause && typeof cause.status === 'number'
    ? cause.status
    : undefined
}

/** SQLite names columns, `UNIQUE constraint failed: users.username_key`; the schema names indexes after them. */
function uniqueIndexIn(message: string): string | undefined {
  const columns = /UNIQUE constraint failed: ([\w., ]+)/.exec(message)?.[1]?.split(', ')
  const table = columns?.[0]?.split('.')[0]
  if (columns === undefined || table === undefined) return undefined
  return `${table}_${columns.map((column) => column.slice(table.length + 1)).join('_')}_unique`
}
