import type { Log } from '@millrace/api/log'
import { sweepExpired } from '@millrace/api/services/sweeps'
import type { Database } from '@millrace/db/database'

/** What the platform's schedule runs. It fails in the platform's eyes only where nothing of it could be tried. */
export function createScheduledRun({ database, log }: { readonly database: Database; readonly log: Log }) {
  return (at: Date): Promise<void> => sweepExpired(database.store(), at, log)
}
