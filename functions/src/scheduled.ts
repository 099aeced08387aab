import type { ScheduledBackups } from '@millrace/api/backups/scheduled'
import { faultOf } from '@millrace/api/faults'
import type { Log } from '@millrace/api/log'
import type { Database } from '@millrace/db/store/database'

interface Parts {
  readonly database: Database
  readonly backups: ScheduledBackups | undefined
  readonly log: Log
}

/** The schedule of wrangler.toml that sweeps; whichever else there is takes a backup, so that its hour is free to choose. */
export const sweepSchedule = '*/5 * * * *'

/**
 * What the platform's schedules run. It fails in the platform's eyes only where nothing of it could be tried.
 * @param schedule which of wrangler.toml's; empty where someone runs it by hand without saying
 */
export function createScheduledRun({ database, backups, log }: Parts) {
  return async (at: Date, schedule: string): Promise<void> => {
    if (schedule !== sweepSchedule && schedule !== '') {
      await takeBackup(backups, log)
      return
    }
    const { sweepExpired } = await import('@millrace/api/services/sweeps')
    await sweepExpired(database.store(), at, log)
    await told(log, () => backups?.run('tick'))
  }
}

async function takeBackup(backups: ScheduledBackups | undefined, log: Log): Promise<void> {
  if (backups === undefined) {
    const reason = 'no bucket is bound as BACKUPS: see docs/backups.md'
    log({ level: 'warn', event: 'backup_skipped', reason })
    return
  }
  await told(log, () => backups.run('schedule'))
}

async function told(log: Log, run: () => Promise<void> | undefined): Promise<void> {
  try {
    await run()
  } catch (thrown) {
    const { refusal, cause, cure } = faultOf(thrown)
    log({ level: 'error', event: 'backup_failed', name: '', fault: refusal.code, cause, cure })
  }
}
