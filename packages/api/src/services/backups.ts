import { findBackup, isUnfinished, requestBackup } from '@millrace/db/repositories/backups/requests'
import type { BackupRow } from '@millrace/db/schema/rows'
import { backupNameAt, keyOfBackup } from '../backups/names.ts'
import { newBackupRow } from '../backups/new-row.ts'
import { newId } from '../ids.ts'
import { done, refuse, refusedBy, type Refused, type Result } from '../result.ts'
import type { UserContext } from './context.ts'
import { checkAdministrator } from './standing.ts'

/**
 * Asks for a backup and begins it; where one was asked for or is being taken, that one is the answer. It is tried after
 * the answer, for as long as the platform allows; what takes longer is done by the schedule within minutes.
 */
export async function startBackup(context: UserContext): Promise<Result<BackupRow>> {
  const { store, caller, clock, settings, backups, afterwards } = context
  if (backups === undefined) return (await checkAdministrator(context)) ?? noBucket()
  const now = clock()
  for (let at = now; ; at = new Date(at.getTime() + 1000)) {
    const asked = askedFor(at, settings.backupRecipients.length > 0)
    const outcome = await requestBackup(store, caller, asked, newId(at))
    if (!outcome.ok) return outcome
    const { name, result } = outcome.value
    // A backup that ended within this second has the name already: ask again under the next second's name.
    if (name === asked.name && !isUnfinished(result) && at === now) continue
    if (name === asked.name && result === asked.result) afterwards(() => backups.run('trial'))
    return done(outcome.value)
  }
}

function askedFor(at: Date, isEncrypted: boolean): BackupRow {
  const name = backupNameAt(at)
  return newBackupRow({ name, isEncrypted, consistency: 'snapshot', result: 'requested', createdAt: at })
}

/** A backup as a stream, with what is known of it. */
export interface OpenBackup {
  readonly name: string
  readonly bytes: number
  /** Hexadecimal; null of one that was only found in the bucket. */
  readonly sha256: string | null
  readonly stream: ReadableStream<Uint8Array>
}

/** Opens a backup for reading, for administrators. @param name `latest` is the newest that was verified */
export async function openBackup(context: UserContext, name: string): Promise<Result<OpenBackup>> {
  const { store, caller, backups } = context
  const outcome = await findBackup(store, caller, name === 'latest' ? name : { name })
  if (!outcome.ok) return outcome
  const { name: found, sha256 } = outcome.value
  const key = keyOfBackup(found)
  if (key === undefined || backups === undefined) return refuse('not_found')
  const object = await backups.bucket.get(key)
  if (object === null) return refuse('not_found')
  return done({ name: found, bytes: object.size, sha256, stream: object.body })
}

/** Why there is no such backup for the caller; undefined when there is. */
export async function checkBackup({ store, caller }: UserContext, name: string): Promise<Refused | undefined> {
  return refusedBy(await findBackup(store, caller, name === 'latest' ? name : { name }))
}

function noBucket(): Refused {
  return refuse('not_found', { detail: 'No bucket for backups is bound to this deployment.' })
}
