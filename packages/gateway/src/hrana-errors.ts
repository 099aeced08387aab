import { SqliteFailure } from '@millrace/drivers/native/sqlite-connection'
import { WriteLockBusyError } from './write-lock.ts'

/** An error of one request; the stream goes on. Codes are sqld's: libsql-server/src/hrana/stmt.rs, `StmtError::code`. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The primary codes that sqld names; any other is SQLITE_UNKNOWN. */
const namedCodes: ReadonlySet<string> = new Set(
  `INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL SCHEMA TOOBIG
  CONSTRAINT MISMATCH MISUSE NOLFS AUTH RANGE NOTADB`.split(/\s+/u),
)

/** sqld parses SQL itself; here SQLite does, so its words for a broken text differ and its code is made from them. */
const parseFailure = /syntax error|incomplete input|unrecognized token/u
/** Errors to which SQLite gives a place in the text. The binding does not pass the place on. */
const inputFailure = /^(?:no such column|ambiguous column name|no such function|wrong number of arguments to function)/u

/** What goes wrong with a statement, as sqld says it; anything else is not the statement's and is thrown on. */
export function streamErrorOf(error: unknown): StreamError {
  if (error instanceof StreamError) return error
  if (error instanceof WriteLockBusyError) return new StreamError('SQLITE_BUSY', 'SQLite error: database is locked')
  if (error instanceof SqliteFailure) return sqliteError(error)
  throw error
}

function sqliteError({ code, message }: SqliteFailure): StreamError {
  if (code === 'SQLITE_ERROR' && parseFailure.test(message)) {
    return new StreamError('SQL_PARSE_ERROR', `SQL string could not be parsed: ${message}`)
  }
  if (code === 'SQLITE_ERROR' && inputFailure.test(message)) {
    return new StreamError('SQL_INPUT_ERROR', `SQL input error: ${message}`)
  }
  const primary = code.split('_')[1] ?? ''
  return new StreamError(namedCodes.has(primary) ? `SQLITE_${primary}` : 'SQLITE_UNKNOWN', `SQLite error: ${message}`)
}
