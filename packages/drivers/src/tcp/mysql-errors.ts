import { mysqlError, troubleOfErrno, wordsOfErrno } from '@millrace/db/dialects/mysql/errors'
import { DatabaseError, databaseError } from '@millrace/db/sql/errors'
import { connectionTrouble, wordsAlone } from '../connection-failure.ts'

/** The server's own answer to a statement or to a log-in. */
export class MysqlServerError extends Error {
  override readonly name = 'MysqlServerError'
  readonly errno: number
  readonly sqlState: string

  constructor(errno: number, sqlState: string, message: string) {
    super(message)
    this.errno = errno
    this.sqlState = sqlState
  }
}

/** The server could not be reached: nothing was sent. */
export class MysqlUnreachableError extends Error {
  override readonly name = 'MysqlUnreachableError'
}

/** As mysql2 throws them, for the server's errors and for the network's. */
export interface CodedError extends Error {
  readonly code?: string | undefined
  readonly errno?: number | undefined
  readonly sqlState?: string | undefined
  readonly sqlMessage?: string | undefined
}

export function serverErrorOf(error: CodedError): MysqlServerError | undefined {
  const { errno, sqlState, sqlMessage } = error
  // An error of the network has an errno too (a negative one), but no message of the server.
  if (errno === undefined || sqlMessage === undefined) return undefined
  return new MysqlServerError(errno, sqlState ?? 'HY000', sqlMessage)
}

/**
 * What mysql2 throws, or {@link MysqlUnreachableError}. A TypeError is one of this code, and thrown on.
 * @param statement errors name keys, and some only their table, which stands in the statement
 */
export function readMysqlError(thrown: unknown, statement: string | undefined): DatabaseError {
  if (thrown instanceof DatabaseError) return thrown
  if (thrown instanceof MysqlUnreachableError) {
    const trouble = connectionTrouble(thrown.message) ?? 'database_unreachable'
    return databaseError(trouble, wordsAlone(thrown.message), { isNotApplied: true })
  }
  if (thrown instanceof TypeError) throw thrown
  const answered = thrown instanceof Error ? serverErrorOf(thrown) : undefined
  const failure = thrown instanceof MysqlServerError ? thrown : answered
  if (failure === undefined) {
    return databaseError('database_unreachable', 'the connection to the database broke', { isNotApplied: false })
  }
  const { errno, message } = failure
  return mysqlError(troubleOfErrno(errno, message) ?? 'internal', wordsOfErrno(errno, message), { message, statement })
}
