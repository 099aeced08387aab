import { setImmediate as nextTurn } from 'node:timers/promises'
import { plain } from '@millrace/db/dialects/plain'
import { sqlite } from '@millrace/db/dialects/sqlite/dialect'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import type { SqliteSession } from './sqlite-session.ts'
import { waited } from './sqlite-waiting.ts'

/** The file that a snapshot is of, for another connection that reads it too. */
export interface SnapshotFile {
  readonly path: string
  /** Whether nothing was committed since before the snapshot was taken. Throws SqliteFailure. */
  isUnchanged(): boolean
}

const files = new WeakMap<Snapshot, SnapshotFile>()

/** Undefined where another driver took the snapshot. */
export function fileOfSnapshot(snapshot: Snapshot): SnapshotFile | undefined {
  return files.get(snapshot)
}

/** A read transaction on a connection of its own. The first statement takes the snapshot. */
export async function openSnapshot(path: string, open: () => SqliteSession): Promise<Snapshot> {
  // Not in a transaction, so that it sees each commit; it makes none itself, which it would not count.
  const witness = await waited(open)
  let session: SqliteSession
  let version: number
  try {
    version = await waited(() => dataVersion(witness, 'main'))
    session = await waited(() => begun(open()))
  } catch (thrown) {
    witness.close()
    throw thrown
  }
  const snapshot: Snapshot = {
    dialect: sqlite,
    async run(statement) {
      await nextTurn()
      return waited(() => session.run(statement))
    },
    close() {
      session.rollBack()
      session.close()
      witness.close()
      return Promise.resolve()
    },
  }
  files.set(snapshot, { path, isUnchanged: () => dataVersion(witness, 'main') === version })
  return snapshot
}

/**
 * A number that stays the same until another connection commits to the file; within a transaction, that of what the
 * transaction sees. Throws SqliteFailure. https://www.sqlite.org/pragma.html#pragma_data_version
 */
export function dataVersion(session: SqliteSession, schema: 'main' | 'source'): number {
  return Number(session.run(plain(`pragma ${schema}.data_version`)).rows[0]?.[0])
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
