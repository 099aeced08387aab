import type { BackupResult } from '@millrace/db/repositories/backups/requests'
import { rowCount } from '@millrace/db/archive/digest'
import { takeLease, type DatabaseLease, type LeaseTiming } from '@millrace/db/store/lease'
import {
  addBackup,
  endBackup,
  ensureBackupMark,
  noteBegun,
  postponeBackup,
  putBackup,
  type BackupEnd,
  readBackupsDue,
  type BegunBackup,
} from '@millrace/db/repositories/backups/runs'
import type { BackupRow } from '@millrace/db/schema/rows'
import { backupMark } from '@millrace/db/schema/schema'
import type { Store } from '@millrace/db/store/store'
import { newId } from '../ids.ts'
import type { Settings } from '../settings.ts'
import { abortUpload, endCutOff } from './cut-off.ts'
import { backupFailureOf, interrupted, ofBucket, overtaken, type BackupFailure } from './failure.ts'
import { keepHouse, type House } from './housekeeping.ts'
import { interruptible } from './interruptible.ts'
import { RunWatch, scheduledLimits, trialLimits, type BackupLimits } from './limits.ts'
import { backupNameAt, keyOfBackup } from './names.ts'
import { newBackupRow } from './new-row.ts'
import { readBack } from './read-back.ts'
import { uploadArchive } from './upload.ts'

/** Why a run looks for something to do. */
export type Occasion =
  /** The schedule's own: a backup is taken, whether or not one was asked for. */
  | 'schedule'
  /** Every few minutes: what was asked for and not done is done, what was cut off is ended. */
  | 'tick'
  /** Right after one was asked for. What takes too long for that is left to the next tick. */
  | 'trial'

export interface BackupParts extends House {
  readonly settings: Pick<Settings, 'backupRecipients' | 'backupIdentity' | 'backupKeep'>
  /** Those of the occasion when absent. */
  readonly limits?: BackupLimits
  readonly leaseTiming?: LeaseTiming
  /** Ends the run; the next one takes its backup. */
  readonly signal?: AbortSignal
}

/** Long, since a function that computes for a while renews nothing meanwhile. */
const defaultTiming: LeaseTiming = { leaseMilliseconds: 240_000, renewalMilliseconds: 10_000 }

/**
 * Takes a backup where the occasion has one to take; of two at once one does. What came of it stands in the table
 * `backups` and in the log.
 * @throws DatabaseError when the database can't even be asked whether there is something to do, or told what came of it
 */
export async function runBackups(parts: BackupParts, occasion: Occasion): Promise<void> {
  const { database, log, signal, leaseTiming = defaultTiming } = parts
  if (signal?.aborted === true) return
  const store = database.store()
  if (occasion === 'tick') {
    const { requested, begun } = await readBackupsDue(store)
    if (requested === undefined && begun === undefined) return
  }
  await ensureBackupMark(store)
  const lease = await takeLease(database.transport(), backupMark, leaseTiming)
  if (lease === undefined) {
    log({ level: 'info', event: 'backup_skipped', reason: 'another run takes one' })
    return
  }
  try {
    const bucket = signal === undefined ? parts.bucket : interruptible(parts.bucket, signal)
    await runLeased({ ...parts, bucket, ownBucket: parts.bucket }, occasion, lease)
  } catch (thrown) {
    await noteFailure(parts, occasion, lease, thrown)
  } finally {
    await lease.release()
  }
}

/** With the bucket as it is, for what must be done after an interruption too. */
type LeasedParts = BackupParts & { readonly ownBucket: BackupParts['bucket'] }

async function runLeased(parts: LeasedParts, occasion: Occasion, lease: DatabaseLease): Promise<void> {
  const store = parts.database.store()
  const { begun, isRestoring } = await readBackupsDue(store)
  if (isRestoring) {
    parts.log({ level: 'info', event: 'backup_skipped', reason: 'a restore is under way' })
    return
  }
  if (begun !== undefined) await endCutOff(parts, lease, begun)
  const { requested } = await readBackupsDue(store)
  if (requested === undefined && occasion !== 'schedule') return
  const name = requested ?? (await freeName(parts))
  const isTaken = await takeBackup(parts, { lease, name, isTrial: occasion === 'trial' })
  if (isTaken) await keepHouse(parts, lease)
}

/** A run that fails before it has a backup of its own to fail is noted as one all the same, so that it is seen. */
async function noteFailure(
  { database, clock, log }: BackupParts,
  occasion: Occasion,
  lease: DatabaseLease,
  thrown: unknown,
): Promise<void> {
  const name = backupNameAt(clock())
  const { fault, message: cause, fix } = backupFailureOf(thrown)
  if (fault === 'interrupted') {
    if (occasion === 'schedule') await leaveToNextRun(database.store(), lease, name, clock())
    return
  }
  log({ level: 'error', event: 'backup_failed', name, fault, cause, cure: fix })
  if (fault === 'overtaken') return
  const result: BackupResult = `failed: ${fault}`
  const at = clock()
  const row = { ...newRow(name, { at, isEncrypted: false }), result }
  await addBackup(database.store(), lease.owner, row, { id: newId(at), at })
}

/** The schedule's own backup of that day, of which nothing was begun: a tick takes what is asked for. */
async function leaveToNextRun(store: Store, { owner }: DatabaseLease, name: string, at: Date): Promise<void> {
  const result: BackupResult = 'requested'
  await putBackup(store, owner, { ...newRow(name, { at, isEncrypted: false }), result })
}

/** Never the name of one that is there, whatever the clock says. */
async function freeName({ bucket, clock }: BackupParts): Promise<string> {
  for (let at = clock(); ; at = new Date(at.getTime() + 1000)) {
    const name = backupNameAt(at)
    if ((await ofBucket('looking for a free name', () => bucket.head(keyOf(name)))) === null) return name
  }
}

function keyOf(name: string): string {
  const key = keyOfBackup(name)
  if (key === undefined) throw new TypeError(`no scheduled backup has the name ${name}`)
  return key
}

interface Run {
  readonly lease: DatabaseLease
  readonly name: string
  readonly isTrial: boolean
}

/** @returns whether it succeeded */
async function takeBackup(parts: LeasedParts, { lease, name, isTrial }: Run): Promise<boolean> {
  const { database, settings, clock, log } = parts
  const store = database.store()
  const { owner } = lease
  const startedAt = clock()
  const isEncrypted = settings.backupRecipients.length > 0
  const begun: BegunBackup = { name, uploadId: null, isTrial }
  const row = newRow(name, { at: startedAt, isEncrypted })
  if (!(await noteBegun(store, owner, begun))) throw overtaken()
  if (!(await putBackup(store, owner, row))) throw overtaken()
  if (!isEncrypted) log({ level: 'warn', event: 'backup_unencrypted', name })
  const uploads: Uploads = { id: null }
  try {
    const done = await writeAndReadBack(parts, { lease, begun, row, uploads })
    if (!(await endBackup(store, owner, done, endAt(clock())))) throw overtaken()
    const { bytes, rowCount: rows, drilledAt } = done
    const milliseconds = clock().getTime() - startedAt.getTime()
    const isDrilled = drilledAt !== null
    log({ level: 'info', event: 'backup_taken', name, bytes, rows, isEncrypted, isDrilled, milliseconds })
    return true
  } catch (thrown) {
    const { fault, message: cause, fix } = failureOf(parts, lease, thrown)
    const isInterrupted = fault === 'interrupted'
    const isLeftToSchedule = isInterrupted || (isTrial && fault === 'out_of_time')
    const reason = isInterrupted ? 'the process was told to end; the next run takes it' : 'it is left to the schedule'
    if (isLeftToSchedule) log({ level: 'info', event: 'backup_skipped', reason })
    else log({ level: 'error', event: 'backup_failed', name, fault, cause, cure: fix })
    if (fault === 'overtaken') return false
    const result: BackupResult = isLeftToSchedule ? 'requested' : `failed: ${fault}`
    // Where the process is gone before all is removed, the run that ends this one takes it again.
    if (isInterrupted && !isTrial) await noteBegun(store, owner, { ...begun, uploadId: uploads.id, isTrial: true })
    // What became of it stands before what is left is removed: where that fails, the next run ends it.
    if (!(await putBackup(store, owner, { ...row, result }))) throw overtaken()
    await discard(parts, lease, begun, uploads)
    if (isLeftToSchedule) await postponeBackup(store, owner, { ...row, result })
    else await endBackup(store, owner, { ...row, result }, endAt(clock()))
    return false
  }
}

function failureOf({ signal }: BackupParts, lease: DatabaseLease, thrown: unknown): BackupFailure {
  if (!lease.isHeld()) return overtaken()
  return signal?.aborted === true ? interrupted() : backupFailureOf(thrown)
}

interface Uploads {
  /** Of the upload once it has begun. */
  id: string | null
}

async function writeAndReadBack(
  { database, bucket, settings, clock, log, signal, limits: given }: BackupParts,
  run: {
    readonly lease: DatabaseLease
    readonly begun: BegunBackup
    readonly row: BackupRow
    readonly uploads: Uploads
  },
): Promise<BackupRow> {
  const { lease, begun, row, uploads } = run
  const { name, isEncrypted } = row
  const { backupRecipients: recipients, backupIdentity: identity } = settings
  const limits = given ?? (begun.isTrial ? trialLimits : scheduledLimits)
  const watch = new RunWatch(limits, clock, signal)
  const key = keyOf(name)
  const upload = await ofBucket('beginning the upload', () =>
    bucket.createMultipartUpload(key, {
      httpMetadata: { contentType: 'application/octet-stream' },
      customMetadata: { encrypted: String(isEncrypted) },
    }),
  )
  uploads.id = upload.uploadId
  if (!(await noteBegun(database.store(), lease.owner, { ...begun, uploadId: upload.uploadId }))) throw overtaken()
  const ensureMayGoOn = () => {
    if (!lease.isHeld()) throw overtaken()
  }
  const { createdAt } = row
  const written = await uploadArchive(database, upload, {
    createdAt,
    recipients,
    partBytes: limits.partBytes,
    watch,
    ensureMayGoOn,
  })
  const { drill } = await readBack(bucket, key, written, { isEncrypted, identity, watch })
  ensureMayGoOn()
  const at = clock()
  const problems = drill?.problems ?? []
  if (problems.length > 0) log({ level: 'error', event: 'backup_drill_failed', name, problems: problems.slice(0, 5) })
  const isDrilled = identity !== undefined && problems.length === 0
  const { bytes, sha256, tables } = written
  return {
    ...row,
    bytes,
    rowCount: rowCount(tables),
    sha256,
    result: 'ok' satisfies BackupResult,
    verifiedAt: at,
    drilledAt: isDrilled ? at : null,
  }
}

/** Leaves nothing of a failed backup in the bucket. Where that fails too, what was begun stays noted, and the next run does it. */
async function discard(
  { ownBucket: bucket }: LeasedParts,
  lease: DatabaseLease,
  { name }: BegunBackup,
  { id }: Uploads,
): Promise<void> {
  if (id === null) return
  const key = keyOf(name)
  await abortUpload(bucket, { key, uploadId: id }, 'aborting the upload')
  // By now the object may be that of another run of this name.
  if (!lease.isHeld()) throw overtaken()
  await ofBucket('removing what was uploaded', () => bucket.delete(key))
}

function newRow(name: string, { at, isEncrypted }: { readonly at: Date; readonly isEncrypted: boolean }): BackupRow {
  return newBackupRow({ name, isEncrypted, consistency: 'snapshot', result: 'running', createdAt: at })
}

function endAt(at: Date): BackupEnd {
  return { id: newId(at), at }
}
