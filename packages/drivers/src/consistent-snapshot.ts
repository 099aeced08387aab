import { plain } from '@millrace/db/dialects/plain'
import { databaseError } from '@millrace/db/sql/errors'
import type { Snapshot } from '@millrace/db/sql/snapshot'

/** At a weaker level MySQL ignores `with consistent snapshot`, with no more than a warning. */
export async function refuseWeakIsolation(snapshot: Snapshot): Promise<void> {
  const { rows } = await snapshot.run(
    plain("show variables where variable_name in ('tx_isolation', 'transaction_isolation')"),
  )
  const levels = rows.map(([, level]) => String(level))
  if (levels.every((level) => level === 'REPEATABLE-READ' || level === 'SERIALIZABLE')) return
  throw databaseError('internal', `the server's transaction isolation is ${levels.join(', ')}, which has no snapshot`, {
    isNotApplied: true,
  })
}
