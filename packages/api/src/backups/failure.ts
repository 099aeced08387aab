import { ArchiveError } from '@millrace/db/archive/archive-error'
import { DatabaseError, type DatabaseFault } from '@millrace/db/sql/errors'
import { BucketError } from './bucket.ts'

/** Why a backup did not succeed, closed. The database's own faults keep their names. */
export type BackupFault =
  | DatabaseFault
  /** The database has rows that no archive can hold. */
  | 'rows_refused'
  /** More than one run of a function can take, or than one object can hold. */
  | 'too_large'
  /** The platform would have ended the run. */
  | 'out_of_time'
  /** The bucket refused or failed. */
  | 'bucket_failed'
  /** Read back, it is not what was written. */
  | 'read_back_differs'
  /** The run ended without a word: killed by the platform, or its machine was. */
  | 'cut_off'
  /** Another run took over: this one's lease ran out. */
  | 'overtaken'
  /** The process was told to end; the backup is left to the next run. */
  | 'interrupted'

/** In the words of the operator, for the log alone. */
export class BackupFailure extends Error {
  override readonly name = 'BackupFailure'
  readonly fault: BackupFault
  readonly fix: string

  constructor(fault: BackupFault, parts: { readonly cause: string; readonly fix: string }) {
    super(parts.cause)
    this.fault = fault
    this.fix = parts.fix
  }
}

/** Whatever a run threw. */
export function backupFailureOf(thrown: unknown): BackupFailure {
  if (thrown instanceof BackupFailure) return thrown
  if (thrown instanceof DatabaseError)
    return new BackupFailure(thrown.fault, { cause: thrown.message, fix: thrown.fix })
  if (thrown instanceof ArchiveError) {
    const isOfRows = thrown.fault === 'rows_refused'
    return new BackupFailure(isOfRows ? 'rows_refused' : 'read_back_differs', {
      cause: thrown.message,
      fix: isOfRows ? 'Correct this row: an archive cannot store it.' : 'Check the bucket, then take another backup.',
    })
  }
  const cause = thrown instanceof Error ? (thrown.stack ?? `${thrown.name}: ${thrown.message}`) : String(thrown)
  return new BackupFailure('internal', { cause, fix: 'This is a defect of millrace: report it with this message.' })
}

/** Asks something of the bucket. */
export async function ofBucket<Result>(what: string, ask: () => Promise<Result>): Promise<Result> {
  try {
    return await ask()
  } catch (thrown) {
    if (thrown instanceof BackupFailure) throw thrown
    throw new BackupFailure('bucket_failed', {
      cause: `${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      fix:
        thrown instanceof BucketError
          ? thrown.fix
          : 'Look at the state of R2 and at the bucket that is bound as BACKUPS; the next run tries again.',
    })
  }
}

/** Of a run whose lease another may have. */
export function overtaken(): BackupFailure {
  return new BackupFailure('overtaken', {
    cause: 'the lease of this run could not be renewed in time, and another run may have taken over',
    fix: 'Look whether the database was out of reach; the other run, or the next one, ends this backup.',
  })
}

export function interrupted(): BackupFailure {
  return new BackupFailure('interrupted', {
    cause: 'the process was told to end',
    fix: 'Nothing: the next run takes this backup, within five minutes where a process serves the database.',
  })
}
