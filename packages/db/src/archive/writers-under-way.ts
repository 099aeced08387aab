import { toolsOf } from '../dialects/tools.ts'
import { DatabaseError } from '../sql/errors.ts'
import type { Transport } from '../sql/transport.ts'
import { retried } from '../store/retry.ts'
import { patience } from './patience.ts'
import { RestoreError } from './restore-error.ts'

/**
 * Waits until every write that began before the mark has ended: their gates have not seen it. Where gates lock the mark's
 * row, setting the mark has waited for them already (docs/adr/0193).
 * @throws RestoreError `writes_under_way`
 */
export async function awaitWriters(transport: Transport, signal: AbortSignal | undefined): Promise<void> {
  const { waitsForWriters } = toolsOf(transport.dialect).bulk
  if (waitsForWriters === undefined) return
  const { migrations: _migrators, ...tables } = transport.dialect.tables
  // One per transaction: holding one table while waiting for another could end in a deadlock with a writer.
  for (const table of Object.values(tables)) {
    signal?.throwIfAborted()
    const waiting = waitsForWriters(transport.dialect.configOf(table).name)
    await tellingWriters(() => retried(() => transport.transact(waiting, []), isUnreachable, patience))
  }
}

function isUnreachable({ fault }: DatabaseError): boolean {
  return fault === 'database_unreachable'
}

/** Runs what waits for writers; says so where they don't end. */
export async function tellingWriters<Result>(waiting: () => Promise<Result>): Promise<Result> {
  try {
    return await waiting()
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError)) throw thrown
    if (thrown.trouble !== 'lock_wait' && thrown.fault !== 'database_timeout') throw thrown
    throw new RestoreError('writes_under_way', {
      what: 'Others are writing to the database, or maintain its tables.',
      why: `A transaction that began before the restore has not ended in time (${thrown.message}).`,
      fix: 'Stop what writes to this database (functions, `millrace serve`, commands), or end its open transaction; wait until VACUUM or CREATE INDEX CONCURRENTLY has ended. Then run the command again. No row was written. Where it then says that a restore is under way, `--abandon` lifts that mark.',
    })
  }
}
