import { setImmediate as nextTurn } from 'node:timers/promises'
import { plain } from '@millrace/db/dialects/plain'
import { sqlite } from '@millrace/db/dialects/sqlite/dialect'
import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Connection, TransportLimits } from '@millrace/db/sql/transport'
import { observed } from '../observed.ts'
import type { SqliteFileOptions } from './pooled.ts'
import { prepareSqliteFile, SqliteFailure } from './sqlite-connection.ts'
import { openLoading } from './sqlite-loading.ts'
import { SqliteSession } from './sqlite-session.ts'
import { fileOfSnapshot, openSnapshot } from './sqlite-snapshot.ts'
import { readError, waited, whenUnlocked } from './sqlite-waiting.ts'

/** SQLite's own: https://www.sqlite.org/limits.html */
const limits: TransportLimits = {
  maxParameters: 32_766,
  maxBatchStatements: Number.POSITIVE_INFINITY,
  maxStatementBytes: 1_000_000_000,
}

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

  function use<Result>(act: (session: SqliteSession) => Result): Promise<Result> {
    const inSession = () => act(current())
    return options.movesRows === true ? nextTurn().then(() => waited(inSession)) : waited(inSession)
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
    snapshot: () => openSnapshot(file, open),
    load: (from) => openLoading(open, from === undefined ? undefined : fileOfSnapshot(from)),
    // One connection, which is never waited for.
    poolStatus: () => Promise.resolve(undefined),
    close() {
      if (options.onlyReads !== true) session.emptyWal()
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
