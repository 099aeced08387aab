import { accessSync, closeSync, constants, existsSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import Database from 'libsql'
import type { PooledConnection } from './pool.ts'

export type SqliteValue = null | bigint | number | string | Uint8Array

export interface SqliteColumn {
  readonly name: string
  readonly declaredType: string | null
}

export interface SqliteRows {
  readonly columns: readonly SqliteColumn[]
  readonly rows: readonly (readonly SqliteValue[])[]
}

export interface SqliteCounts {
  readonly changes: number
  readonly lastInsertRowid: bigint
}

/** SQLite's answer to a statement that failed. `code` is the extended one, such as SQLITE_CONSTRAINT_UNIQUE. */
export class SqliteFailure extends Error {
  override readonly name = 'SqliteFailure'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }

  /** Another connection holds a lock, and waiting can help. Not so for SQLITE_BUSY_SNAPSHOT: what was read is outdated. */
  get isLocked(): boolean {
    return this.code === 'SQLITE_BUSY' || this.code === 'SQLITE_BUSY_RECOVERY'
  }
}

/**
 * Makes the file, for its owner only, when it is missing. Throws SqliteFailure (SQLITE_CANTOPEN) with what to do when
 * its directory is missing or may not be written.
 */
export function prepareSqliteFile(path: string): string {
  const file = resolve(path)
  try {
    statSync(dirname(file))
    if (existsSync(file)) checkSqliteFile(file)
    else closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new SqliteFailure(
      'SQLITE_CANTOPEN',
      `The SQLite file ${file} can't be opened (${reason}). ${adviceFor(reason)}`,
    )
  }
  return file
}

/**
 * Without opening it: closing a file gives up all locks that the process has on it, those of connections that are open
 * too (https://www.sqlite.org/howtocorrupt.html, 2.2). Another process then takes the database for unused, and removes
 * the write-ahead log that those connections write to.
 */
function checkSqliteFile(file: string): void {
  if (statSync(file).isDirectory()) throw Object.assign(new Error('a directory is not a file'), { code: 'EISDIR' })
  accessSync(file, constants.R_OK | constants.W_OK)
}

function adviceFor(reason: string): string {
  if (reason === 'ENOENT') return 'Its directory has to exist: make it, or give another path.'
  if (reason === 'EISDIR') return 'It is a directory: give the path of a file.'
  return 'Check the permissions of the file and its directory.'
}

/** Foreign keys are off by default in SQLite. FULL: a commit survives a loss of power, which NORMAL gives up in WAL mode. */
const connectionSettings = ['PRAGMA foreign_keys = ON', 'PRAGMA synchronous = FULL']

/** The binding is built to sort in memory alone, which for the index of a million rows is 130 MB. */
export const sortInFiles = 'PRAGMA temp_store = FILE'

/** Throws SqliteFailure. */
export function openSqlite(file: string): Database.Database {
  try {
    const database = new Database(file, { timeout: 0 })
    for (const setting of connectionSettings) database.prepare(setting).run([])
    return database
  } catch (error) {
    throw sqliteFailureOf(error)
  }
}

/**
 * Brings all that was committed into the file itself, and empties its `-wal` file: for whoever copies the file alone.
 * SQLite does so when the last connection closes, but the binding leaves statements open until they are collected, and a
 * process mostly ends before. Where another connection reads or writes, it stays as it is.
 */
export function emptyWal(database: Database.Database): void {
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // All of it is in the `-wal` file, and whoever opens the database next reads it there.
  }
}

/** The same of a file, on a connection of its own. One that is gone is not made again. */
export function emptyWalOf(file: string): void {
  if (!existsSync(file)) return
  try {
    const database = openSqlite(file)
    emptyWal(database)
    database.close()
  } catch {
    // As above: nothing is lost.
  }
}

/**
 * One connection to the file. Everything is synchronous in libSQL's binding, so nothing here ever waits for a lock: a
 * locked database is an error at once (`busy_timeout` 0), and waiting is the write lock's business.
 */
export class SqliteConnection implements PooledConnection {
  readonly #database: Database.Database
  readonly #countsStatement: Database.Statement
  #isOpen = true
  #isAltered = false

  private constructor(database: Database.Database) {
    this.#database = database
    this.#countsStatement = database.prepare('SELECT changes(), last_insert_rowid()').safeIntegers().raw()
  }

  /** Throws SqliteFailure. */
  static open(file: string): SqliteConnection {
    try {
      return new SqliteConnection(openSqlite(file))
    } catch (error) {
      throw sqliteFailureOf(error)
    }
  }

  get isUsable(): boolean {
    return this.#isOpen
  }

  get isInTransaction(): boolean {
    return this.#database.inTransaction
  }

  /**
   * Takes SQLite's write lock: begins a transaction, or makes the open one a writing one. Throws SqliteFailure, which is
   * `isLocked` when another connection has it.
   *
   * A statement that meets SQLITE_BUSY keeps its snapshot of the database until it is reset, and the binding resets none
   * but those that `exec` makes: the connection would read old data from then on. So the lock is taken by `exec` before
   * any statement that writes. `incremental_vacuum` is the one statement that takes it and does nothing else.
   */
  takeWriteLock(): void {
    this.command(this.isInTransaction ? 'PRAGMA incremental_vacuum(1)' : 'BEGIN IMMEDIATE')
  }

  /** Runs one statement that has neither parameters nor rows. Throws SqliteFailure. */
  command(sql: string): void {
    try {
      this.#database.exec(sql)
    } catch (error) {
      throw sqliteFailureOf(error)
    }
  }

  /** Runs one statement. Throws SqliteFailure. */
  run(sql: string, params: readonly SqliteValue[]): SqliteRows {
    try {
      const statement = this.#database.prepare(sql)
      if (!statement.reader) {
        statement.run(params)
        return { columns: [], rows: [] }
      }
      const rows = statement.safeIntegers().raw().all(params).filter(isRow)
      return { columns: columnsOf(statement), rows }
    } catch (error) {
      const failure = sqliteFailureOf(error)
      if (failure.code.startsWith('SQLITE_BUSY')) this.#isAltered = true
      throw failure
    }
  }

  /** What a statement would give, without running it. Throws SqliteFailure. */
  describe(sql: string): readonly SqliteColumn[] {
    try {
      const statement = this.#database.prepare(sql)
      return statement.reader ? columnsOf(statement) : []
    } catch (error) {
      throw sqliteFailureOf(error)
    }
  }

  /** Of the last INSERT, UPDATE or DELETE on this connection. */
  counts(): SqliteCounts {
    const [changes, lastInsertRowid] = this.#countsStatement.all([]).find(isRow) ?? []
    if (typeof changes !== 'bigint' || typeof lastInsertRowid !== 'bigint') {
      throw new SqliteFailure('SQLITE_INTERNAL', 'changes() gave no number')
    }
    return { changes: Number(changes), lastInsertRowid }
  }

  /** From here on the connection may be other than a new one: it is closed instead of kept. */
  markAltered(): void {
    this.#isAltered = true
  }

  /** Ends a transaction, if there is one. Never throws: a connection on which this fails is closed instead of kept. */
  rollBack(): void {
    if (!this.#isOpen || !this.isInTransaction) return
    try {
      this.#database.exec('ROLLBACK')
    } catch {
      this.#isAltered = true
    }
  }

  reset(): Promise<boolean> {
    this.rollBack()
    return Promise.resolve(this.#isOpen && !this.#isAltered && !this.isInTransaction)
  }

  ping(): Promise<boolean> {
    return Promise.resolve(this.#isOpen)
  }

  close(): Promise<void> {
    if (this.#isOpen) {
      this.#isOpen = false
      this.#database.close()
    }
    return Promise.resolve()
  }
}

/** `raw` makes lists of rows, `safeIntegers` bigints of integers. */
function isRow(row: unknown): row is readonly SqliteValue[] {
  return Array.isArray(row)
}

function columnsOf(statement: Database.Statement): readonly SqliteColumn[] {
  return statement.columns().map(({ name, type }) => ({ name, declaredType: type }))
}

export function sqliteFailureOf(error: unknown): SqliteFailure {
  if (error instanceof SqliteFailure) return error
  if (!(error instanceof Error)) return new SqliteFailure('SQLITE_ERROR', 'unknown failure')
  const code = 'code' in error && typeof error.code === 'string' && error.code !== '' ? error.code : 'SQLITE_CANTOPEN'
  return new SqliteFailure(code, error.message)
}
