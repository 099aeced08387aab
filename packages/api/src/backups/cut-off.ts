import type { BackupResult } from '@millrace/db/repositories/backups/requests'
import {
  endBackup,
  listScheduledBackups,
  postponeBackup,
  putBackup,
  type BegunBackup,
} from '@millrace/db/repositories/backups/runs'
import type { DatabaseLease } from '@millrace/db/store/lease'
import { newId } from '../ids.ts'
import type { BackupBucket } from './bucket.ts'
import { ofBucket, overtaken } from './failure.ts'
import type { House } from './housekeeping.ts'
import { keyOfBackup, timeOfName } from './names.ts'
import { newBackupRow } from './new-row.ts'

/**
 * Ends what a run has begun that was cut off: its upload is aborted, an object that nobody has read back is removed, and
 * its row says so; where someone asked for it and it was only tried, the schedule takes it.
 */
export async function endCutOff(
  { database, bucket, clock, log }: Omit<House, 'settings'>,
  lease: DatabaseLease,
  { name, uploadId, isTrial }: BegunBackup,
): Promise<void> {
  const store = database.store()
  const { owner } = lease
  const key = keyOfBackup(name)
  const known = (await listScheduledBackups(store)).find((backup) => backup.name === name)
  const row = known ?? newBackupRow({ name, result: 'running', createdAt: timeOfName(name) ?? new Date(0) })
  const isDone = row.result === 'ok'
  if (key !== undefined && uploadId !== null) {
    await abortUpload(bucket, { key, uploadId }, 'aborting the upload of a run that was cut off')
  }
  if (key !== undefined && !isDone) {
    if (!lease.isHeld()) throw overtaken()
    await ofBucket('removing what a run that was cut off has uploaded', () => bucket.delete(key))
  }
  const at = clock()
  const isFailed = row.result.startsWith('failed')
  const result: BackupResult = isTrial ? 'requested' : 'failed: cut_off'
  const ended = isDone || isFailed ? row : { ...row, result }
  if (!(await putBackup(store, owner, ended))) throw overtaken()
  // One that succeeded has its event already; one that is asked for again has not ended.
  if (isDone || ended.result === 'requested') await postponeBackup(store, owner, ended)
  else await endBackup(store, owner, ended, { id: newId(at), at })
  log({ level: isTrial ? 'info' : 'warn', event: 'backup_cut_off', name, mayLinger: uploadId === null })
}

/** Aborts an upload, unless it is no more. @param what is being done, for its failure */
export function abortUpload(
  bucket: BackupBucket,
  { key, uploadId }: { readonly key: string; readonly uploadId: string },
  what: string,
): Promise<void> {
  return ofBucket(what, () =>
    bucket
      .resumeMultipartUpload(key, uploadId)
      .abort()
      .catch((thrown: unknown) => {
        if (!isUploadGone(thrown)) throw thrown
      }),
  )
}

/** R2 says so of an upload that was aborted or completed (error 10024). */
function isUploadGone(thrown: unknown): boolean {
  return thrown instanceof Error && /does not exist|10024/i.test(thrown.message)
}
