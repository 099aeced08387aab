import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { plain } from '@millrace/db/dialects/plain'
import { sqlite } from '@millrace/db/dialects/sqlite/dialect'
import { sqliteError, troubleOfSqlite } from '@millrace/db/dialects/sqlite/errors'
import type { DatabaseError } from '@millrace/db/sql/errors'
import type { LoadedRows, Loading } from '@millrace/db/sql/loading'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Connection, TransportLimits } from '@millrace/db/sql/transport'
import { observed } from '../observed.ts'
import type { SqliteFileOptions } from './pooled.ts'
import { prepareSqliteFile, SqliteFailure } from './sqlite-connection.ts'
import { SqliteSession } from './sqlite-session.ts'

/** SQLite's own: https://www.sqlite.org/limits.html */
const limits: TransportLimits = {
  maxParameters: 32_766,
  maxBatchStatements: Number.POSITIVE_INFINITY,
  maxStatementBytes: 1_000_000_000,
}

/** How long another process's lock is waited for. */
const lockSeconds = 5

/**
 * A SQLite file in this process, in WAL mode. A statement or a batch runs from its beginning to its end without giving
 * way to another, so that one connection serves all; what is waited for is only another process's lock.
 * @throws SqliteFailure where the file can't be opened or is no database
 */
export function connect({ path }: { readonly path: string }, options: SqliteFileOptions = {}): Connection {
  const file = prepareSqliteFile(path)
  const open = () => new SqliteSession(file, options)
  let session = openFirst(open, options)

  const current = (): SqliteSession => {
    if (session.isStale) {
      session.close()
      session = open()
    }
    return session
  }

  async function use<Result>(act: (session: SqliteSession) => Result): Promise<Result> {
    if (options.movesRows === true) await nextTurn()
    try {
      return await whenUnlocked(() => act(current()))
    } catch (thrown) {
      throw readError(thrown)
    }
  }

  return {
    dialect: sqlite,
    transport: (observer) => ({
      dialect: sqlite,
      limits,
      run: (statement) =>
        observed(observer, [statement], () =>
          use(
            (opened) => (opened.isWrite(statement) ? atomic(opened, [statement])[0] : opened.run(statement)) ?? nothing,
          ),
        ),
      transact(writes, reads) {
        const statements = [...writes, ...reads]
        return observed(observer, statements, () => use((opened) => atomic(opened, statements)))
      },
      transactUnchecked: (writes) => observed(observer, writes, () => unchecked(open, writes)),
    }),
    snapshot: () => openSnapshot(open),
    load: () => openLoading(open),
    // One connection, which is never waited for.
    poolStatus: () => Promise.resolve(undefined),
    close() {
      session.close()
      return Promise.resolve()
    },
  }
}

const nothing: RawResult = { rows: [], affected: 0 }

/** Foreign keys are checked from here on, and a file that is no database is told at once. */
function openFirst(open: () => SqliteSession, { onlyReads = false }: SqliteFileOptions): SqliteSession {
  const session = open()
  try {
    session.run(plain(onlyReads ? 'pragma schema_version' : 'pragma journal_mode = wal'))
    return session
  } catch (thrown) {
    // Another process writes, or opens the file and sets the same: the first statement waits for it.
    if (thrown instanceof SqliteFailure && thrown.isLocked) return session
    session.close()
    throw thrown
  }
}

/** The lock is taken before any statement runs: a deferred transaction that turns into a write fails under contention. */
function atomic(session: SqliteSession, statements: readonly Statement[]): readonly RawResult[] {
  session.command('begin immediate')
  try {
    const results = statements.map((statement) => session.run(statement))
    session.command('commit')
    return results
  } catch (thrown) {
    session.rollBack()
    throw thrown
  }
}

/** On a connection of its own, which is closed after it: no other statement ever runs where foreign keys are off. */
async function unchecked(open: () => SqliteSession, statements: readonly Statement[]): Promise<readonly RawResult[]> {
  try {
    return await whenUnlocked(() => {
      const session = open()
      try {
        session.command('pragma foreign_keys = off')
        return atomic(session, statements)
      } finally {
        session.close()
      }
    })
  } catch (thrown) {
    throw readError(thrown)
  }
}

/** Another process may hold the lock: it is asked for again and again, at random. */
async function whenUnlocked<Result>(act: () => Result): Promise<Result> {
  const deadline = performance.now() + lockSeconds * 1000
  for (let attempt = 1; ; attempt += 1) {
    try {
      return act()
    } catch (error) {
      const canWait = error instanceof SqliteFailure && error.isLocked && performance.now() < deadline
      if (!canWait) throw error
      await delay(Math.random() * Math.min(20, 2 * attempt))
    }
  }
}

function readError(thrown: unknown): DatabaseError {
  if (!(thrown instanceof SqliteFailure)) throw thrown
  return sqliteError(troubleOfSqlite(thrown) ?? 'internal', thrown.message)
}

/** A read transaction on a connection of its own. The first statement takes the snapshot. */
async function openSnapshot(open: () => SqliteSession): Promise<Snapshot> {
  const session = await waited(() => begun(open()))
  return {
    dialect: sqlite,
    async run(statement) {
      await nextTurn()
      return waited(() => session.run(statement))
    },
    close() {
      session.rollBack()
      session.close()
      return Promise.resolve()
    },
  }
}

function waited<Result>(act: () => Result): Promise<Result> {
  return whenUnlocked(act).catch((thrown: unknown) => {
    throw readError(thrown)
  })
}

function begun(session: SqliteSession): SqliteSession {
  try {
    session.command('begin')
    session.run(plain('select count(*) from sqlite_master'))
    return session
  } catch (thrown) {
    session.close()
    throw thrown
  }
}

/** Rows inserted by one statement: more are no faster. */
const rowsAtOnce = 100

/**
 * What a power cut can take here is behind the mark, whose own commits are synced: then the rows are written again. Pages
 * of the file are written to it less often.
 */
const loadingSettings = [
  'pragma foreign_keys = off',
  'pragma synchronous = normal',
  'pragma wal_autocheckpoint = 4000',
  'pragma cache_size = -16000',
]

/** A connection of its own, on which foreign keys are off. */
async function openLoading(open: () => SqliteSession): Promise<Loading> {
  let session = await whenUnlocked(() => configured(open()))
  return {
    async insert(guard, rows) {
      // Without a turn of the event loop signals would wait, and so would what frees memory.
      await nextTurn()
      const statements = insertStatements(rows)
      try {
        return await whenUnlocked(() => {
          if (session.isStale) {
            session.close()
            session = configured(open())
          }
          return guarded(session, guard, statements)
        })
      } catch (thrown) {
        throw readError(thrown)
      }
    },
    close() {
      session.rollBack()
      session.close()
      return Promise.resolve()
    },
  }
}

function configured(session: SqliteSession): SqliteSession {
  try {
    for (const setting of loadingSettings) session.run(plain(setting))
    return session
  } catch (thrown) {
    session.close()
    throw thrown
  }
}

/** As `atomic`, and nothing where the guard gives no row. */
function guarded(session: SqliteSession, guard: Statement, statements: readonly Statement[]): boolean {
  session.command('begin immediate')
  try {
    const isAllowed = session.run(guard).rows.length > 0
    if (isAllowed) for (const statement of statements) session.run(statement)
    session.command('commit')
    return isAllowed
  } catch (thrown) {
    session.rollBack()
    throw thrown
  }
}

/** Integers are made of texts by the columns' affinity. */
function insertStatements({ table, columns, rows }: LoadedRows): readonly Statement[] {
  const names = columns.map((name) => `\`${name}\``).join(', ')
  const places = `(${columns.map(() => '?').join(', ')})`
  const statements: Statement[] = []
  for (let at = 0; at < rows.length; at += rowsAtOnce) {
    const some = rows.slice(at, at + rowsAtOnce)
    const values = some.map(() => places).join(', ')
    statements.push(plain(`insert into \`${table}\` (${names}) values ${values}`, some.flat()))
  }
  return statements
}
