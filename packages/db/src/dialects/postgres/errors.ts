import { NeonDbError } from '#neon'
import { databaseError, type DatabaseError, type DatabaseFault } from '../../errors.ts'
import { connectionFailure } from '../connection-failure.ts'

/** SQLSTATE, whole or by its class, to what it means. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const faults: Readonly<Record<string, DatabaseFault>> = {
  '08': 'database_unreachable',
  '57P01': 'database_unreachable',
  '57P02': 'database_unreachable',
  '57P03': 'database_unreachable',
  '28': 'database_auth_failed',
  '42501': 'database_auth_failed',
  '3D000': 'database_missing',
  '42P01': 'database_schema_outdated',
  '42703': 'database_schema_outdated',
  '3F000': 'database_schema_outdated',
  '53300': 'database_busy',
  '40001': 'database_busy',
  '40P01': 'database_busy',
  '55P03': 'database_busy',
  '57014': 'database_timeout',
  '23505': 'unique_violation',
  '23503': 'foreign_key_violation',
  '23514': 'check_violation',
  '23502': 'check_violation',
}

/** A gateway without a free connection answers this status. */
const busyStatus = /HTTP status (?:429|503)/
const refusedStatus = /HTTP status (?:401|403)/

/** Reads what the Neon client throws. */
export function readPostgresError(thrown: unknown): DatabaseError {
  if (!(thrown instanceof NeonDbError)) return connectionFailure(thrown)
  const { code } = thrown
  if (code === undefined) return readHttpFailure(thrown)
  const fault = faults[code] ?? faults[code.slice(0, 2)] ?? 'internal'
  // A server that answers with a SQLSTATE has rolled the statement or batch back, unless it was shut down meanwhile.
  const isNotApplied = fault !== 'database_unreachable'
  return databaseError(fault, wordsOf(thrown, code), { isNotApplied, constraint: thrown.constraint })
}

function readHttpFailure(thrown: NeonDbError): DatabaseError {
  if (busyStatus.test(thrown.message)) {
    return databaseError('database_busy', 'no connection to the database was free', { isNotApplied: true })
  }
  if (refusedStatus.test(thrown.message)) {
    return databaseError('database_auth_failed', 'the endpoint refused the token', { isNotApplied: true })
  }
  return connectionFailure(thrown.sourceError)
}

/** Class 22 and 23 messages may quote values; for these the SQLSTATE and the constraint say enough. */
function wordsOf(thrown: NeonDbError, code: string): string {
  if (code.startsWith('22')) return `PostgreSQL refused a value (SQLSTATE ${code})`
  if (code.startsWith('23')) {
    return `PostgreSQL: a row violates ${thrown.constraint ?? thrown.column ?? 'a constraint'} (SQLSTATE ${code})`
  }
  return `PostgreSQL: ${thrown.message} (SQLSTATE ${code})`
}
