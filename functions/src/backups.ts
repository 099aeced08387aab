import type { BackupBucket } from '@millrace/api/backups/bucket'
import type { ScheduledBackups } from '@millrace/api/backups/scheduled'
import type { Log } from '@millrace/api/log'
import type { Settings } from '@millrace/api/settings'
import type { Database } from '@millrace/db/store/database'

interface Parts {
  readonly database: Database
  readonly settings: Settings
  readonly log: Log
}

/** Backups into the bucket that wrangler.toml binds; undefined where none is. What takes them is loaded when one is taken. */
export function readBackups(
  { BACKUPS: bucket }: Readonly<Record<string, unknown>>,
  parts: Parts,
): ScheduledBackups | undefined {
  if (!isBucket(bucket)) return undefined
  return {
    bucket,
    async run(occasion) {
      const { runBackups } = await import('@millrace/api/backups/run')
      await runBackups({ ...parts, bucket, clock: () => new Date() }, occasion)
    },
  }
}

function isBucket(binding: unknown): binding is BackupBucket {
  return typeof binding === 'object' && binding !== null && 'createMultipartUpload' in binding
}
