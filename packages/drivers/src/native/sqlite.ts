import { setTimeout as delay } from 'node:timers/promises'
import { plain } from '@millrace/db/dialects/plain'
import { sqlite } from '@millrace/db/dialects/sqlite/dialect'
import { sqliteError, troubleOfSqlite } from '@millrace/db/dialects/sqlite/errors'
import type { DatabaseError } from '@millrace/db/sql/errors'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import type { Statement } from '@millrace/db/sql/statement'
import type { Connection, RawResult, TransportLimits } from '@millrace/db/sql/transport'
import { observed } from '../observed.ts'
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
export function connect({ path }: { readonly path: string }): Connection {
  const file = prepareSqliteFile(path)
  let session = openFirst(file)

  const current = (): SqliteSession => {
    if (session.isStale) {
      session.close()
      session = new SqliteSession(file)
    }
    return session
  }

  async function use<Result>(act: (session: SqliteSession) => Result): Promise<Result> {
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
      transactUnchecked: (writes) => observed(observer, writes, () => unchecked(file, writes)),
    }),
    snapshot: () => openSnapshot(file),
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
function openFirst(file: string): SqliteSession {
  const session = new SqliteSession(file)
  try {
    session.run(plain('pragma journal_mode = wal'))
    return session
  } catch (thrown) {
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
async function unchecked(file: string, statements: readonly Statement[]): Promise<readonly RawResult[]> {
  try {
    return await whenUnlocked(() => {
      const session = new SqliteSession(file)
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
function openSnapshot(file: string): Promise<Snapshot> {
  return Promise.resolve().then(() => {
    const session = new SqliteSession(file)
    const run = (statement: Statement): Promise<RawResult> =>
      whenUnlocked(() => session.run(statement)).catch((thrown: unknown) => {
        throw readError(thrown)
      })
    session.command('begin')
    session.run(plain('select count(*) from sqlite_master'))
    return {
      dialect: sqlite,
      run,
      close() {
        session.rollBack()
        session.close()
        return Promise.resolve()
      },
    }
  })
}
