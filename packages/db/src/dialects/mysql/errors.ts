import { databaseError, type DatabaseError } from '../../sql/errors.ts'
import { factsOf, type Trouble } from '../../sql/troubles.ts'

/** Error numbers of MySQL and MariaDB. https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html */
const errnos: readonly (readonly [Trouble, readonly number[]])[] = [
  ['database_auth_failed', [1045, 1698]],
  ['permission_denied', [1044, 1142, 1143, 1227]],
  ['tls_required', [3159]],
  ['database_missing', [1049]],
  ['database_schema_outdated', [1146, 1054]],
  ['too_many_connections', [1040, 1203, 1226]],
  // 3572: what a statement that does not wait says on MySQL; MariaDB has 1205 for it.
  ['lock_wait', [1205, 3572]],
  // 1020: a row changed since the transaction's snapshot, on MariaDB with innodb_snapshot_isolation. It is rolled back.
  ['deadlock', [1213, 1020]],
  // A table was changed meanwhile: for this transaction, or for a statement that was prepared before.
  ['database_busy', [1412, 1615]],
  ['disk_full', [1021, 1114]],
  ['read_only', [1290, 1792, 1836]],
  ['database_timeout', [1317]],
  ['statement_timeout', [1969, 3024]],
  // 1927, 4031: it has ended the session, after a KILL or because that had no work for long.
  ['database_unreachable', [1053, 1927, 2002, 2003, 2006, 2013, 4031]],
  ['unique_violation', [1062]],
  ['foreign_key_violation', [1451, 1452, 1216, 1217]],
  ['check_violation', [3819, 4025, 1048]],
]

/** Their messages name tables, columns and users, and no values. */
const quotable = new Set([
  1020, 1040, 1044, 1045, 1049, 1054, 1064, 1114, 1142, 1146, 1203, 1205, 1213, 1226, 1290, 1305, 1412, 1615, 1927,
  1969, 2002, 2003, 2006, 2013, 3024, 3159, 3572, 4031,
])

/** What the number of an error means; undefined where no more is known than that the server refused. */
export function troubleOfErrno(errno: number, message: string): Trouble | undefined {
  if (errno === 1305 && /json_valid/i.test(message)) return 'json_unsupported'
  return errnos.find(([, numbers]) => numbers.includes(errno))?.[0]
}

/** The server's words where they hold no values, else the number alone. */
export function wordsOfErrno(errno: number, message: string): string {
  return quotable.has(errno) ? `MySQL error ${errno}: ${message}` : `MySQL error ${errno}`
}

/**
 * An error that the server answered, which has rolled the statement back by then.
 * @param message the server's own, from which the name of a violated key is read
 * @param words what the operator reads
 */
export function mysqlError(
  trouble: Trouble,
  words: string,
  { message, statement }: { readonly message: string; readonly statement: string | undefined },
): DatabaseError {
  const { fault } = factsOf(trouble)
  return databaseError(trouble, words, {
    isNotApplied: fault !== 'database_unreachable',
    constraint: fault === 'unique_violation' ? uniqueIndexIn(message, tableIn(statement ?? '')) : undefined,
  })
}

function tableIn(statement: string): string | undefined {
  return /^(?:insert into|update|delete from) `([^`]+)`/i.exec(statement)?.[1]
}

/** `for key 'PRIMARY'` needs the statement's table; MySQL 8 puts it before the name of an index, MariaDB doesn't. */
function uniqueIndexIn(message: string, table: string | undefined): string | undefined {
  const key = /for key '(?:[^']*\.)?([^'.]+)'/.exec(message)?.[1]
  return key === 'PRIMARY' ? `${table ?? ''}_pk` : key
}
