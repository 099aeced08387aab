import { setImmediate as nextTurn } from 'node:timers/promises'
import { plain } from '@millrace/db/dialects/plain'
import type { CopiedRange, CopyOutcome, LoadedRows, Loading } from '@millrace/db/sql/loading'
import type { Statement } from '@millrace/db/sql/statement'
import { SqliteFailure } from './sqlite-connection.ts'
import type { SqliteSession } from './sqlite-session.ts'
import { dataVersion, type SnapshotFile } from './sqlite-snapshot.ts'
import { readError, whenUnlocked } from './sqlite-waiting.ts'

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

/**
 * A connection of its own, on which foreign keys are off.
 * @param from the file that the rows come from: rows can then be copied within SQLite
 */
export async function openLoading(open: () => SqliteSession, from: SnapshotFile | undefined): Promise<Loading> {
  let session = await whenUnlocked(() => configured(open()))
  let file = from
  let version = attached(session, file)

  /** Waits for the lock; on a new connection where the old one would go on reading old data. */
  async function use<Result>(act: () => Result): Promise<Result> {
    // Without a turn of the event loop signals would wait, and so would what frees memory.
    await nextTurn()
    try {
      return await whenUnlocked(() => {
        if (session.isStale) {
          session.close()
          session = configured(open())
          version = attached(session, file)
        }
        return act()
      })
    } catch (thrown) {
      throw readError(thrown)
    }
  }

  return {
    insert(guard, rows) {
      const statements = insertStatements(rows)
      return use(() => guarded(session, guard, statements))
    },
    async copy(guard, range) {
      if (file === undefined) return 'other_rows'
      const statement = copyStatement(range)
      const outcome = await use(() => copied(session, guard, { statement, rows: range.rows, version }))
      // Someone writes to the file: what it has from here on is not what the snapshot holds.
      if (outcome === 'other_rows') file = undefined
      return outcome
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

/**
 * Lets the connection read the snapshot's file too.
 * @returns the version of the file that has the snapshot's rows; undefined where it has changed, or can't be read so
 */
function attached(session: SqliteSession, file: SnapshotFile | undefined): number | undefined {
  if (file === undefined) return undefined
  try {
    session.run(plain('attach database ? as source', [file.path]))
    const version = dataVersion(session, 'source')
    // Afterwards: a commit before the version was read is seen now.
    return file.isUnchanged() ? version : undefined
  } catch {
    // Rows can be inserted all the same.
    return undefined
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

interface Copying {
  readonly statement: Statement
  readonly rows: number
  /** Of the source, when it had the snapshot's rows. */
  readonly version: number | undefined
}

function copied(session: SqliteSession, guard: Statement, copying: Copying): CopyOutcome {
  if (copying.version === undefined) return 'other_rows'
  session.command('begin immediate')
  try {
    const isAllowed = session.run(guard).rows.length > 0
    const isSame = isAllowed && copiesSame(session, copying)
    session.command(isSame ? 'commit' : 'rollback')
    return isSame ? 'copied' : isAllowed ? 'other_rows' : 'not_allowed'
  } catch (thrown) {
    session.rollBack()
    throw thrown
  }
}

function copiesSame(session: SqliteSession, { statement, rows, version }: Copying): boolean {
  try {
    return session.run(statement).affected === rows && dataVersion(session, 'source') === version
  } catch (thrown) {
    // The target is locked by this very transaction: it is the source, by someone who waits for the snapshot's end to write.
    if (thrown instanceof SqliteFailure && thrown.isLocked) return false
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

function copyStatement({ table, columns, key, after, last }: CopiedRange): Statement {
  const names = columns.map((name) => `\`${name}\``).join(', ')
  const keys = key.map((name) => `\`${name}\``).join(', ')
  const places = key.map(() => '?').join(', ')
  const isBehind = after === undefined ? '' : `(${keys}) > (${places}) and `
  return plain(
    `insert into main.\`${table}\` (${names}) select ${names} from source.\`${table}\` where ${isBehind}(${keys}) <= (${places}) order by ${keys}`,
    [...(after ?? []), ...last],
  )
}
