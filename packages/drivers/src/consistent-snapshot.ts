import { plain } from '@millrace/db/dialects/plain'
import { databaseError } from '@millrace/db/sql/errors'
import type { Snapshot } from '@millrace/db/sql/snapshot'

/**
 * Begins MySQL's read-only transaction with a consistent snapshot. Closes the snapshot if that fails.
 * @throws DatabaseError
 */
export async function beginConsistent(snapshot: Snapshot): Promise<Snapshot> {
  try {
    await snapshot.run(plain('start transaction with consistent snapshot, read only'))
    await refuseWeakIsolation(snapshot)
    return snapshot
  } catch (thrown) {
    await snapshot.close()
    throw thrown
  }
}

/**
 * Begins PostgreSQL's read-only transaction in which all reads are of one moment. Closes the snapshot if that fails.
 * @throws DatabaseError
 */
export async function beginRepeatable(snapshot: Snapshot): Promise<Snapshot> {
  try {
    await snapshot.run(plain('begin transaction isolation level repeatable read, read only'))
    // The reader may be busy with rows for longer than the server lets a transaction idle.
    await snapshot.run(plain('set local idle_in_transaction_session_timeout = 0'))
    // The first read takes the snapshot.
    await snapshot.run(plain('select 1'))
    return snapshot
  } catch (thrown) {
    await snapshot.close()
    throw thrown
  }
}

/** At a weaker level MySQL ignores `with consistent snapshot`, with no more than a warning. */
async function refuseWeakIsolation(snapshot: Snapshot): Promise<void> {
  const { rows } = await snapshot.run(
    plain("show variables where variable_name in ('tx_isolation', 'transaction_isolation')"),
  )
  const levels = rows.map(([, level]) => String(level))
  if (levels.every((level) => level === 'REPEATABLE-READ' || level === 'SERIALIZABLE')) return
  throw databaseError('internal', `the server's transaction isolation is ${levels.join(', ')}, which has no snapshot`, {
    isNotApplied: true,
  })
}
