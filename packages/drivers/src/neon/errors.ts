import { NeonDbError } from '@neondatabase/serverless'
import { postgresError } from '@millrace/db/dialects/postgres/errors'
import { databaseError, type DatabaseError } from '@millrace/db/sql/errors'
import { connectionFailure, connectionTrouble, wordsAlone } from '../connection-failure.ts'

/** A gateway without a free connection answers this status. */
const busyStatus = /HTTP status (?:429|503)/
const refusedStatus = /HTTP status (?:401|403)/

/** Reads what the Neon client throws. */
export function readNeonError(thrown: unknown): DatabaseError {
  if (!(thrown instanceof NeonDbError)) return connectionFailure(thrown)
  const { code, severity, message, constraint, column } = thrown
  if (code === undefined) return readHttpFailure(thrown)
  return postgresError({ code, severity, message: wordsAlone(message), constraint, column }, connectionTrouble(message))
}

function readHttpFailure(thrown: NeonDbError): DatabaseError {
  if (busyStatus.test(thrown.message)) {
    return databaseError('pool_exhausted', 'no connection to the database was free', { isNotApplied: true })
  }
  if (refusedStatus.test(thrown.message)) {
    return databaseError('token_refused', 'the endpoint refused the token', { isNotApplied: true })
  }
  return connectionFailure(thrown.sourceError)
}
