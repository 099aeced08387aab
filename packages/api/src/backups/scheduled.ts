import type { BackupBucket } from './bucket.ts'
import type { Occasion } from './run.ts'

/** The backups of a deployment that has a bucket for them. */
export interface ScheduledBackups {
  readonly bucket: BackupBucket
  /** Loads what takes backups, which requests have no use for, and runs it. */
  readonly run: (occasion: Occasion) => Promise<void>
}
