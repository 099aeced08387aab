import type { BackupBucket } from '@millrace/api/backups/bucket'
import type { ScheduledBackups } from '@millrace/api/backups/scheduled'
import type { Log } from '@millrace/api/log'
import type { Settings } from '@millrace/api/settings'
import type { Database } from '@millrace/db/store/database'

interface Parts {
  readonly database: Database
  readonly settings: Settings
  readonly log: Log
  /** Ends the run that is under way. */
  readonly signal?: AbortSignal
}

/** The backups of a process of one's own, within no limits of a platform. */
export function backupsInto(bucket: BackupBucket, parts: Parts): ScheduledBackups {
  return {
    bucket,
    async run(occasion) {
      const [{ runBackups }, { serverLimits }] = await Promise.all([
        import('@millrace/api/backups/run'),
        import('@millrace/api/backups/limits'),
      ])
      await runBackups({ ...parts, bucket, clock: () => new Date(), limits: serverLimits }, occasion)
    },
  }
}
