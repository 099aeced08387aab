import type Database from 'libsql'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { SqliteFileOptions } from './pooled.ts'
import {
  emptyWal,
  openSqlite,
  sortInFiles,
  sqliteFailureOf,
  SqliteFailure,
  type SqliteValue,
} from './sqlite-connection.ts'

/** Beyond these all are forgotten and prepared anew: a text may hold as many places as a caller has values. */
const mostPrepared = 500

interface Prepared {
  readonly statement: Database.Statement
  readonly givesRows: boolean
  readonly isWrite: boolean
}

/** A connection that keeps its prepared statements. Everything is synchronous, and never waits for a lock. */
export class SqliteSession {
  readonly #database: Database.Database
  readonly #prepared = new Map<string, Prepared>()
  /** The same for statements whose whole numbers are read as numbers, which the binding makes of them faster than bigints. */
  readonly #preparedForNumbers = new Map<string, Prepared>()
  readonly #changes: Database.Statement
  /** A statement that met a lock keeps what it has read until it is gone: the connection would go on reading old data. */
  #isStale = false

  /** Throws SqliteFailure. */
  constructor(file: string, { movesRows = false }: SqliteFileOptions = {}) {
    this.#database = openSqlite(file)
    if (movesRows) this.#database.prepare(sortInFiles).run([])
    this.#changes = this.#database.prepare('select changes()').raw()
  }

  get isStale(): boolean {
    return this.#isStale
  }

  /** Whether it may write, and so needs the lock before it begins. Throws SqliteFailure. */
  isWrite(statement: Statement): boolean {
    return this.#preparedOf(statement).isWrite
  }

  /** Throws SqliteFailure. */
  run(wanted: Statement): RawResult {
    const { statement, givesRows, isWrite } = this.#preparedOf(wanted)
    const values = wanted.parameters.map(valueOf)
    try {
      if (!givesRows) {
        const { changes } = statement.run(values)
        return { rows: [], affected: isWrite ? changes : 0 }
      }
      const rows = statement.all(values).filter(isRow)
      return { rows, affected: isWrite ? this.#affected() : 0 }
    } catch (error) {
      const failure = sqliteFailureOf(error)
      if (failure.code.startsWith('SQLITE_BUSY')) this.#isStale = true
      throw failure
    }
  }

  /** Runs one statement that has neither parameters nor rows. Throws SqliteFailure. */
  command(text: string): void {
    try {
      this.#database.exec(text)
    } catch (error) {
      throw sqliteFailureOf(error)
    }
  }

  /** Ends a transaction, if there is one. Never throws. */
  rollBack(): void {
    if (!this.#database.inTransaction) return
    try {
      this.#database.exec('rollback')
    } catch {
      this.#isStale = true
    }
  }

  /** As {@link emptyWal}. */
  emptyWal(): void {
    emptyWal(this.#database)
  }

  close(): void {
    this.#prepared.clear()
    this.#preparedForNumbers.clear()
    this.#database.close()
  }

  #affected(): number {
    const changes: unknown = this.#changes.get([])
    return isRow(changes) ? Number(changes[0]) : 0
  }

  #preparedOf({ text, readsNumbers = false }: Statement): Prepared {
    const prepared = readsNumbers ? this.#preparedForNumbers : this.#prepared
    const known = prepared.get(text)
    if (known !== undefined) return known
    if (prepared.size >= mostPrepared) prepared.clear()
    try {
      const statement = this.#database.prepare(text)
      const givesRows = statement.reader
      const made = { statement, givesRows, isWrite: mayWrite(text) }
      if (givesRows) statement.safeIntegers(!readsNumbers).raw()
      prepared.set(text, made)
      return made
    } catch (error) {
      throw sqliteFailureOf(error)
    }
  }
}

/** Too often rather than too seldom: what is taken for a write only waits for the lock. */
function mayWrite(text: string): boolean {
  if (/^\s*(?:select|values|explain|pragma)\b/i.test(text)) return false
  return !/^\s*with\b/i.test(text) || /\b(?:insert|update|delete|replace)\b/i.test(text)
}

/** `raw` makes lists of rows, `safeIntegers` bigints of integers, which else are numbers. */
function isRow(row: unknown): row is readonly SqliteValue[] {
  return Array.isArray(row)
}

/** The binding makes a float of a number, and cuts a text at NUL. */
function valueOf(parameter: unknown): SqliteValue {
  switch (typeof parameter) {
    case 'string':
      if (!parameter.includes('\0')) return parameter
      throw new SqliteFailure('SQLITE_MISMATCH', 'a text holds NUL, which SQLite does not keep')
    case 'number':
      return Number.isSafeInteger(parameter) ? BigInt(parameter) : parameter
    case 'bigint':
      return parameter
    default:
      if (parameter === null) return null
      throw new TypeError(`a parameter of type ${typeof parameter} has no place in a SQLite statement`)
  }
}
