import type { Database } from '@millrace/db/store/database'
import type { DatabaseLease } from '@millrace/db/store/lease'
import type { BackupRow } from '@millrace/db/schema/rows'
import type { BackupResult } from '@millrace/db/repositories/backups/requests'
import { changeBackup, listScheduledBackups, putBackup, removeBackup } from '@millrace/db/repositories/backups/runs'
import type { Log } from '../log.ts'
import type { Settings } from '../settings.ts'
import type { BackupBucket, ObjectHead } from './bucket.ts'
import { backupFailureOf, ofBucket, overtaken } from './failure.ts'
import { backupsPrefix, keyOfBackup, nameOfKey, timeOfName } from './names.ts'
import { newBackupRow } from './new-row.ts'
import { keptBackups } from './retention.ts'

export interface House {
  readonly database: Database
  readonly bucket: BackupBucket
  readonly settings: Pick<Settings, 'backupKeep'>
  readonly clock: () => Date
  readonly log: Log
}

/** Rows of backups that failed: as many of the newest are kept. */
const failedKept = 30

/** What a backup's row says whose object is gone. */
const missing = 'failed: missing' satisfies BackupResult

/**
 * Makes table and bucket agree, then removes what BACKUP_KEEP does not keep. An object that the table does not know is of
 * an earlier database of this bucket: it is noted, unverified, never removed as unknown. What fails here fails no backup.
 */
export async function keepHouse(house: House, lease: DatabaseLease): Promise<void> {
  try {
    await reconcile(house, lease)
    await prune(house, lease)
  } catch (thrown) {
    const { fault, message: cause, fix } = backupFailureOf(thrown)
    if (fault === 'interrupted') return
    house.log({ level: 'error', event: 'backup_pruning_failed', fault, cause, cure: fix })
  }
}

async function reconcile({ database, bucket, log }: House, lease: DatabaseLease): Promise<void> {
  const { owner } = lease
  const store = database.store()
  const objects = await objectsOf(bucket)
  const rows = new Map((await listScheduledBackups(store)).map((row) => [row.name, row]))
  for (const [name, object] of objects) {
    const row = rows.get(name)
    if (row === undefined || row.result === missing) {
      if (!(await putBackup(store, owner, await rowOfFound(bucket, name, object)))) throw overtaken()
      log({ level: 'info', event: 'backup_found', name })
    } else if (row.result.startsWith('failed')) {
      await removeObject(bucket, lease, name)
    }
  }
  for (const { name, result } of rows.values()) {
    if (result !== 'ok' || objects.has(name)) continue
    if (!(await changeBackup(store, owner, name, { result: missing, verifiedAt: null }))) throw overtaken()
    log({ level: 'error', event: 'backup_missing', name })
  }
}

async function objectsOf(bucket: BackupBucket): Promise<ReadonlyMap<string, ObjectHead>> {
  const found = new Map<string, ObjectHead>()
  for (let cursor: string | undefined; ;) {
    const page = await ofBucket('listing the bucket', () =>
      bucket.list({ prefix: backupsPrefix, ...(cursor === undefined ? {} : { cursor }) }),
    )
    for (const object of page.objects) {
      const name = nameOfKey(object.key)
      if (name !== undefined) found.set(name, object)
    }
    if (!page.truncated || page.cursor === undefined) return found
    cursor = page.cursor
  }
}

async function rowOfFound(bucket: BackupBucket, name: string, { key, size }: ObjectHead): Promise<BackupRow> {
  const head = await ofBucket('looking at a backup', () => bucket.head(key))
  return newBackupRow({
    name,
    bytes: size,
    isEncrypted: head?.customMetadata?.['encrypted'] === 'true',
    result: 'ok',
    createdAt: timeOfName(name) ?? new Date(0),
  })
}

async function prune({ database, bucket, settings, clock, log }: House, lease: DatabaseLease): Promise<void> {
  const { owner } = lease
  const store = database.store()
  const rows = await listScheduledBackups(store)
  const taken = rows.filter(({ result }) => result === 'ok')
  const kept = keptBackups(taken, settings.backupKeep, clock())
  const removed = taken.filter(({ name }) => !kept.has(name))
  for (const { name } of removed) {
    // The row first: what the table has is in the bucket, and an object without a row is found again.
    if (!(await removeBackup(store, owner, name))) throw overtaken()
    await removeObject(bucket, lease, name)
  }
  const failed = rows.filter(({ result }) => result.startsWith('failed'))
  for (const { name } of failed.slice(failedKept)) {
    if (!(await removeBackup(store, owner, name))) throw overtaken()
  }
  if (removed.length > 0) log({ level: 'info', event: 'backups_pruned', names: removed.map(({ name }) => name) })
}

async function removeObject(bucket: BackupBucket, lease: DatabaseLease, name: string): Promise<void> {
  const key = keyOfBackup(name)
  // A bucket knows no lease: another run may have noted the object by now.
  if (!lease.isHeld()) throw overtaken()
  if (key !== undefined) await ofBucket('removing a backup', () => bucket.delete(key))
}
