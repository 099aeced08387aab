import { DatabaseError as PlanetScaleError } from '@planetscale/database'
import { databaseError, type DatabaseError } from '../../sql/errors.ts'
import { factsOf, type Trouble } from '../../sql/troubles.ts'
import { connectionFailure, connectionTrouble, wordsAlone } from '../connection-failure.ts'

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

/** What the platform refuses by itself, Vitess's own codes among it: fixed words, which the migrator has to know. */
const platformRefusal = /VT\d{5}: [\w ,-]+|direct DDL is \w+/i

/** Reads what the PlanetScale client throws: the error number stands only in the message. */
export function readMysqlError(thrown: unknown, table: string | undefined): DatabaseError {
  if (!(thrown instanceof PlanetScaleError)) return connectionFailure(thrown)
  const number = Number(/\(errno (\d+)\)/.exec(thrown.message)?.[1] ?? Number.NaN)
  const trouble = troubleOf(thrown, number)
  if (trouble === undefined) return connectionFailure(thrown)
  const { fault } = factsOf(trouble)
  return databaseError(trouble, wordsOf(thrown, number), {
    isNotApplied: fault !== 'database_unreachable',
    constraint: fault === 'unique_violation' ? uniqueIndexIn(thrown.message, table) : undefined,
  })
}

function troubleOf(thrown: PlanetScaleError, number: number): Trouble | undefined {
  const { message } = thrown
  // The number is the server's too, for a user's own limit of connections; the words are the gateway's.
  if (number === 1203 && /pool_timeout|gateway/.test(message)) return 'pool_exhausted'
  if (number === 1305 && /json_valid/i.test(message)) return 'json_unsupported'
  return connectionTrouble(message) ?? troubles[number] ?? troubleOfStatus(thrown)
}

function troubleOfStatus({ status, body }: PlanetScaleError): Trouble | undefined {
  if (body.message.includes('token')) return 'token_refused'
  if (status === 401 || status === 403 || body.code === 'UNAUTHENTICATED') return 'database_auth_failed'
  if (body.code === 'RESOURCE_EXHAUSTED' || status === 429 || status === 503) return 'database_busy'
  if (body.code === 'UNAVAILABLE') return 'database_unreachable'
  if (body.code === 'NOT_FOUND') return 'database_missing'
  return status === 400 ? 'internal' : undefined
}

/** Without the SQL and without values: Vitess puts both into its messages. */
function wordsOf({ message, body }: PlanetScaleError, number: number): string {
  const refusal = platformRefusal.exec(message)?.[0]
  if (refusal !== undefined) return `MySQL: ${refusal}`
  if (Number.isNaN(number)) return `MySQL: ${body.code}`
  if (!quotable.has(number)) return `MySQL error ${number}`
  const words = wordsAlone(message)
    .replace(/^.*? desc = /, '')
    .replace(/^target: \S+ \S+ /, '')
    .replace(/ ?\(errno .*$/s, '')
  return `MySQL error ${number}: ${words}`
}

/** `for key 'PRIMARY'` needs the statement's table; MySQL 8 puts it before the name of an index, MariaDB doesn't. */
function uniqueIndexIn(message: string, table: string | undefined): string | undefined {
  const key = /for key '(?:[^']*\.)?([^'.]+)'/.exec(message)?.[1]
  return key === 'PRIMARY' ? `${table ?? ''}_pk` : key
}
