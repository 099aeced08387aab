import { LibsqlError } from '@libsql/client/http'
import { databaseError, gateClosed, type DatabaseError } from '../../sql/errors.ts'
import { gateClosedWords } from '../../sql/gate.ts'
import { factsOf, type Trouble } from '../../sql/troubles.ts'
import { connectionFailure } from '../connection-failure.ts'

/** Reads what the libSQL client throws. Codes: https://www.sqlite.org/rescode.html, by their start. */
export function readSqliteError(thrown: unknown): DatabaseError {
  if (!(thrown instanceof LibsqlError)) return connectionFailure(thrown)
  if (thrown.message.includes(gateClosedWords)) return gateClosed()
  const trouble = troubleOf(thrown) ?? troubleOfStatus(httpStatusOf(thrown))
  if (trouble === undefined) return connectionFailure(thrown.cause ?? thrown)
  const { fault } = factsOf(trouble)
  return databaseError(trouble, `SQLite: ${thrown.message}`, {
    isNotApplied: fault !== 'database_unreachable',
    constraint: fault === 'unique_violation' ? uniqueIndexIn(thrown.message) : undefined,
  })
}

/** By the start of the code, which may be an extended one. */
const troubles: readonly (readonly [string, Trouble])[] = [
  ['SQLITE_BUSY', 'lock_wait'],
  ['SQLITE_LOCKED', 'lock_wait'],
  ['SQLITE_FULL', 'disk_full'],
  ['SQLITE_READONLY', 'read_only'],
  ['SQLITE_INTERRUPT', 'database_timeout'],
  ['SQLITE_CANTOPEN', 'database_missing'],
  ['SQLITE_NOTADB', 'database_missing'],
  ['SQLITE_AUTH', 'permission_denied'],
  ['SQLITE_PERM', 'permission_denied'],
  // Whether a commit that met it was written is not known.
  ['SQLITE_IOERR', 'database_unreachable'],
  ['AUTH_', 'token_refused'],
  ['SQLITE', 'internal'],
  ['SQL_PARSE_ERROR', 'internal'],
  ['SQL_INPUT_ERROR', 'internal'],
]

function troubleOf({ code, message }: LibsqlError): Trouble | undefined {
  if (/no such (?:table|column)/.test(message)) return 'database_schema_outdated'
  if (/UNIQUE constraint failed/.test(message)) return 'unique_violation'
  if (/FOREIGN KEY constraint failed/.test(message)) return 'foreign_key_violation'
  if (/(?:CHECK|NOT NULL) constraint failed/.test(message)) return 'check_violation'
  if (message.includes('pool_timeout')) return 'pool_exhausted'
  return troubles.find(([start]) => code.startsWith(start))?.[1]
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

/** SQLite names columns, `UNIQUE constraint failed: users.username_key`; the schema names indexes after them. */
function uniqueIndexIn(message: string): string | undefined {
  const columns = /UNIQUE constraint failed: ([\w., ]+)/.exec(message)?.[1]?.split(', ')
  const table = columns?.[0]?.split('.')[0]
  if (columns === undefined || table === undefined) return undefined
  return `${table}_${columns.map((column) => column.slice(table.length + 1)).join('_')}_unique`
}
