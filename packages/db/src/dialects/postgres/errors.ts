import { databaseError, gateClosed, type DatabaseError } from '../../sql/errors.ts'
import { gateClosedWords } from '../../sql/gate.ts'
import { factsOf, type Trouble } from '../../sql/troubles.ts'

/** SQLSTATE, whole or by its class, to what it means. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const troubles: Readonly<Record<string, Trouble>> = {
  '08': 'database_unreachable',
  // An operator or a setting has ended the session: a shutdown, a crash, a database that is dropped, a time limit.
  '57': 'database_unreachable',
  '25P03': 'database_unreachable',
  '25P04': 'statement_timeout',
  '28': 'database_auth_failed',
  '42501': 'permission_denied',
  '3D000': 'database_missing',
  '42P01': 'database_schema_outdated',
  '42703': 'database_schema_outdated',
  '3F000': 'database_schema_outdated',
  '53300': 'too_many_connections',
  '53100': 'disk_full',
  '25006': 'read_only',
  '40001': 'deadlock',
  '40P01': 'deadlock',
  '55P03': 'lock_wait',
  '57014': 'statement_timeout',
  '23505': 'unique_violation',
  '23503': 'foreign_key_violation',
  '23514': 'check_violation',
  '23502': 'check_violation',
}

/**
 * Ends of sessions behind which the server has read no request, or has rolled back what it had read: a log-in that is
 * refused, a session that has idled, a transaction that has.
 */
const endsBeforeReading: ReadonlySet<string> = new Set(['57P03', '57P05', '25P03'])

/** The limit of a whole transaction may be met behind its COMMIT, as a shutdown may. */
const endsPerhapsBehindCommit: ReadonlySet<string> = new Set(['25P04'])

/** As drivers give what the server answers. */
interface PostgresFailure {
  /** SQLSTATE. */
  readonly code: string
  /** `ERROR`, or `FATAL` and `PANIC` where the session has ended too; in the language of the server's messages. */
  readonly severity?: string | undefined
  readonly message: string
  readonly constraint?: string | undefined
  readonly column?: string | undefined
}

/** @param known What is the matter, where the driver knows more than the SQLSTATE says. */
export function postgresError(failure: PostgresFailure, known?: Trouble): DatabaseError {
  if (failure.code === '22P02' && failure.message.includes(gateClosedWords)) return gateClosed()
  const trouble = known ?? troubleOf(failure)
  return databaseError(trouble, wordsOf(failure), {
    isNotApplied: isNotApplied(failure, trouble),
    constraint: failure.constraint,
  })
}

/** A server that answers with a SQLSTATE has rolled the statement or batch back, unless its session was ended meanwhile. */
function isNotApplied({ code }: PostgresFailure, trouble: Trouble): boolean {
  if (endsBeforeReading.has(code)) return true
  return factsOf(trouble).fault !== 'database_unreachable' && !endsPerhapsBehindCommit.has(code)
}

function troubleOf({ code, severity = 'ERROR', message }: PostgresFailure): Trouble {
  // pg_hba.conf has no line for a connection in the clear.
  if (code === '28000' && /no encryption|SSL off/.test(message)) return 'tls_required'
  if (code === '42704' && /type "(?:pg_catalog\.)?json"/.test(message)) return 'json_unsupported'
  // A table has changed under a statement that was parsed before.
  if (code === '0A000' && message.includes('cached plan')) return 'database_busy'
  const known = troubles[code] ?? troubles[code.slice(0, 2)]
  if (known !== undefined) return known
  return severity === 'FATAL' || severity === 'PANIC' ? 'database_unreachable' : 'internal'
}

/** Class 22 and 23 messages may quote values; for these the SQLSTATE and the constraint say enough. */
function wordsOf({ code, message, constraint, column }: PostgresFailure): string {
  if (code.startsWith('22')) return `PostgreSQL refused a value (SQLSTATE ${code})`
  if (code.startsWith('23')) {
    return `PostgreSQL: a row violates ${constraint ?? column ?? 'a constraint'} (SQLSTATE ${code})`
  }
  return `PostgreSQL: ${message} (SQLSTATE ${code})`
}
