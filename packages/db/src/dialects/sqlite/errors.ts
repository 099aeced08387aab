import { databaseError, gateClosed, type DatabaseError } from '../../sql/errors.ts'
import { gateClosedWords } from '../../sql/gate.ts'
import { rowTooLargeWords } from '../../sql/row-size.ts'
import { factsOf, type Trouble } from '../../sql/troubles.ts'

/** As drivers give what SQLite answers: its result code's name, which may be an extended one, and its words. */
export interface SqliteFailure {
  readonly code: string
  readonly message: string
}

/** Codes by their start: https://www.sqlite.org/rescode.html */
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
  ['SQLITE', 'internal'],
]

/** What is the matter; undefined where it is no answer of SQLite. */
export function troubleOfSqlite({ code, message }: SqliteFailure): Trouble | undefined {
  if (/no such (?:table|column)/.test(message)) return 'database_schema_outdated'
  if (message.includes(rowTooLargeWords) || /string or blob too big/.test(message)) return 'row_too_large'
  if (/UNIQUE constraint failed/.test(message)) return 'unique_violation'
  if (/FOREIGN KEY constraint failed/.test(message)) return 'foreign_key_violation'
  if (/(?:CHECK|NOT NULL) constraint failed/.test(message)) return 'check_violation'
  return troubles.find(([start]) => code.startsWith(start))?.[1]
}

export function sqliteError(trouble: Trouble, message: string): DatabaseError {
  if (message.includes(gateClosedWords)) return gateClosed()
  const { fault } = factsOf(trouble)
  return databaseError(trouble, `SQLite: ${tooLarge(message) ?? message}`, {
    isNotApplied: fault !== 'database_unreachable',
    constraint: fault === 'unique_violation' ? uniqueIndexIn(message) : undefined,
  })
}

/** What a batch says that leaves a row too large, without what it is wrapped in. */
function tooLarge(message: string): string | undefined {
  const [, bytes, most] = rowTooLarge.exec(message) ?? []
  if (bytes === undefined || most === undefined) return undefined
  return `a row would have ${Number(bytes).toLocaleString('en-US')} bytes, and this write may leave at most ${Number(most).toLocaleString('en-US')} in it`
}

const rowTooLarge = new RegExp(`${rowTooLargeWords}: (\\d+) of (\\d+)`)

/** SQLite names columns, `UNIQUE constraint failed: users.username_key`; the schema names indexes after them. */
function uniqueIndexIn(message: string): string | undefined {
  const columns = /UNIQUE constraint failed: ([\w., ]+)/.exec(message)?.[1]?.split(', ')
  const table = columns?.[0]?.split('.')[0]
  if (columns === undefined || table === undefined) return undefined
  return `${table}_${columns.map((column) => column.slice(table.length + 1)).join('_')}_unique`
}
