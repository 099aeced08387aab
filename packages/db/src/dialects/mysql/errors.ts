import { databaseError, type DatabaseError } from '../../sql/errors.ts'
import { factsOf, type Trouble } from '../../sql/troubles.ts'

/** Error numbers of MySQL and MariaDB. https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html */
const troubles: Readonly<Record<number, Trouble>> = {
  1045: 'database_auth_failed',
  1698: 'database_auth_failed',
  1044: 'permission_denied',
  1142: 'permission_denied',
  1143: 'permission_denied',
  1227: 'permission_denied',
  3159: 'tls_required',
  1049: 'database_missing',
  1146: 'database_schema_outdated',
  1054: 'database_schema_outdated',
  1040: 'too_many_connections',
  1203: 'too_many_connections',
  1226: 'too_many_connections',
  1205: 'lock_wait',
  1213: 'deadlock',
  1021: 'disk_full',
  1114: 'disk_full',
  1290: 'read_only',
  1792: 'read_only',
  1836: 'read_only',
  1317: 'database_timeout',
  1969: 'statement_timeout',
  3024: 'statement_timeout',
  1053: 'database_unreachable',
  2002: 'database_unreachable',
  2003: 'database_unreachable',
  2006: 'database_unreachable',
  2013: 'database_unreachable',
  1062: 'unique_violation',
  1451: 'foreign_key_violation',
  1452: 'foreign_key_violation',
  1216: 'foreign_key_violation',
  1217: 'foreign_key_violation',
  3819: 'check_violation',
  4025: 'check_violation',
  1048: 'check_violation',
}

/** Their messages name tables, columns and users, and no values. */
const quotable = new Set([
  1040, 1044, 1045, 1049, 1054, 1064, 1114, 1142, 1146, 1203, 1205, 1213, 1226, 1290, 1305, 1969, 2002, 2003, 2006,
  2013, 3159,
])

/** What the number of an error means; undefined where no more is known than that the server refused. */
export function troubleOfErrno(errno: number, message: string): Trouble | undefined {
  if (errno === 1305 && /json_valid/i.test(message)) return 'json_unsupported'
  return troubles[errno]
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
