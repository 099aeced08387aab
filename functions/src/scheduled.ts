import type { ScheduledBackups } from '@millrace/api/backups/scheduled'
import { faultOf } from '@millrace/api/faults'
import type { Log } from '@millrace/api/log'
import type { Settings } from '@millrace/api/settings'
import type { Database } from '@millrace/db/store/database'

type Kept = Pick<Settings, 'executionKeepMilliseconds' | 'auditKeepMilliseconds'>

interface Parts {
  readonly database: Database
  readonly backups: ScheduledBackups | undefined
  readonly log: Log
  readonly settings: Kept
}

/** The schedule of wrangler.toml that starts what the users' schedules have planned. */
export const startSchedule = '* * * * *'

/** The schedule of wrangler.toml that sweeps; whichever else there is takes a backup, so that its hour is free to choose. */
export const sweepSchedule = '*/5 * * * *'

/**
 * What the platform's schedules run. It fails in the platform's eyes only where nothing of it could be tried.
 * @param schedule which of wrangler.toml's; empty where someone runs it by hand without saying
 */
export function createScheduledRun({ database, backups, log, settings }: Parts) {
  return async (at: Date, schedule: string): Promise<void> => {
    if (schedule === startSchedule) {
      await serve(database, log)
      return
    }
    if (schedule !== sweepSchedule && schedule !== '') {
      await takeBackup(backups, log)
      return
    }
    const { sweepExpired } = await import('@millrace/api/services/sweeps')
    await sweepExpired(database.store(), log, { at, kept: settings })
    await told(log, () => backups?.run('tick'))
  }
}

async function serve(database: Database, log: Log): Promise<void> {
  const { serveSchedules } = await import('@millrace/api/services/scheduler')
  await serveSchedules({ store: database.store(), clock: () => new Date(), log })
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
    const { refused, cause, fix } = faultOf(thrown)
    log({ level: 'error', event: 'backup_failed', name: '', fault: refused.refusal, cause, cure: fix })
  }
}
