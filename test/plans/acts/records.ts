import { listAllUsers } from '@millrace/db/repositories/accounts/administered-users'
import { listAllApiKeys } from '@millrace/db/repositories/accounts/api-key-administration'
import { listUsers } from '@millrace/db/repositories/accounts/user-administration'
import { listForExport } from '@millrace/db/repositories/workflows/export'
import { listWorkflows } from '@millrace/db/repositories/workflows/list'
import { listEvents, type AuditListing } from '@millrace/db/repositories/audit/list'
import { recordOperation } from '@millrace/db/repositories/audit/operations'
import { listBackups, newestBackup, recordBackup, recordDrill } from '@millrace/db/repositories/backups/backups'
import { findBackup, requestBackup } from '@millrace/db/repositories/backups/requests'
import {
  addBackup,
  changeBackup,
  endBackup,
  ensureBackupMark,
  listScheduledBackups,
  noteBegun,
  postponeBackup,
  putBackup,
  readBackupsDue,
  removeBackup,
} from '@millrace/db/repositories/backups/runs'
import { countDueSchedules, readServiceState } from '@millrace/db/repositories/backups/service-state'
import { eachSettings, readSettingsOf, resealSettings } from '@millrace/db/repositories/settings/resealing'
import { recordReveal } from '@millrace/db/repositories/settings/reveals'
import { changeSettings, getSettings, putSettings } from '@millrace/db/repositories/settings/settings'
import type { BackupRow } from '@millrace/db/schema/rows'
import { backupMark } from '@millrace/db/schema/schema'
import { appliedMigrationNames } from '@millrace/db/store/applied-migrations'
import { findStored } from '@millrace/db/store/idempotency'
import { takeLease } from '@millrace/db/store/lease'
import { readiness } from '@millrace/db/store/readiness'
import { refuseWhileRestoring } from '@millrace/db/store/restore-mark'
import { storeResponseAlone } from '@millrace/db/store/stored-responses'
import { takeMissedSlot, takeSlot } from '@millrace/db/store/time-slot'
import { documentOf } from '../../executions/kit.ts'
import {
  administrator,
  changed,
  done,
  keyed,
  newId,
  now,
  ofFew,
  ofHalf,
  ofSpares,
  refused,
  response,
  spare,
  type Act,
  type Acts,
  type Scene,
} from './act.ts'

const event = () => ({ id: newId(), at: now })
const after = { at: new Date('2026-01-01T00:08:00.000Z'), id: 'a480' }

function events(caller: typeof ofFew, given: Partial<AuditListing> = {}): Act {
  return ({ store }) => done(listEvents(store, caller, { types: [], limit: 50, ...given }))
}

const audit: Acts = {
  'a list of events': events(ofFew),
  'a list of events of who did half': events(ofHalf),
  'a later page of events': events(ofHalf, { after }),
  'a list of events by type': events(ofHalf, { types: ['workflow.created', 'workflow.updated'] }),
  'a list of events of a workflow': events(ofFew, { workflowId: 'w7' }),
  'a list of events since and until': events(ofHalf, { since: new Date('2026-01-01T00:02:00Z'), until: after.at }),
  'an administrator’s list of events': events(administrator),
  'an administrator’s later page of events': events(administrator, { after }),
  'an administrator’s list of events by type': events(administrator, { types: ['user.logged_in'] }),
  'an administrator’s list of one user’s events': events(administrator, { actorUserId: 'u7' }),
  'an administrator’s list of events of a subject': events(administrator, { subjectId: 'w7' }),
  'what a command did': ({ store }) =>
    recordOperation(store, { eventId: newId(), at: now, type: 'database.migrated', command: 'migrate', data: {} }),
}

const settingsWrite = () => ({ data: documentOf('{}'), id: newId(), operation: newId(), at: now })

const settings: Acts = {
  'a read of settings': ({ store }) => done(getSettings(store, ofFew)),
  'settings that are replaced': ({ store }) => done(putSettings(store, ofFew, 'any', settingsWrite())),
  'settings that are replaced by revision': async ({ store }) => {
    const { value } = await done(getSettings(store, ofFew))
    await done(putSettings(store, ofFew, [value.revision], settingsWrite()))
  },
  'settings that are not replaced': ({ store }) => refused(putSettings(store, ofFew, [9_999_999], settingsWrite())),
  'settings that are changed': ({ store }) =>
    done(changeSettings(store, ofFew, 'any', () => Promise.resolve({ ok: true as const, value: settingsWrite() }))),
  'first settings': (scene) => {
    const caller = { ...ofSpares, userId: spare('su', 4, scene), sessionId: undefined }
    return done(putSettings(scene.store, caller, 'any', settingsWrite()))
  },
  'a secret that is shown': ({ store }) =>
    done(recordReveal(store, ofFew, { id: newId(), at: now, pointer: '/a', ref: newId() })),
  'a secret that is not shown': ({ store }) =>
    refused(
      recordReveal(store, { ...ofFew, sessionId: 'none' }, { id: newId(), at: now, pointer: '/a', ref: newId() }),
    ),
  'a page of everyone’s settings': async ({ store }) => {
    for await (const page of eachSettings(store)) return page
    throw new Error('there are no settings')
  },
  'settings whose secrets are sealed anew': async ({ store }) => {
    const before = await readSettingsOf(store, 'u8')
    if (before === undefined) throw new Error('there are no settings')
    const resealing = { data: documentOf('{}'), secrets: 1, operation: newId(), at: now }
    await changed(resealSettings(store, before, resealing))
  },
}

function backup(name: string, given: Partial<BackupRow> = {}): BackupRow {
  const row = { bytes: 1, rowCount: 1, sha256: newId(), isEncrypted: false, consistency: 'snapshot', result: 'ok' }
  return { name, ...row, createdAt: now, verifiedAt: now, drilledAt: null, ...given }
}

/** Of a run that holds the lease of backups. */
function asRun(work: (scene: Scene, owner: string) => Promise<unknown>): Act {
  return async (scene) => {
    const timing = { leaseMilliseconds: 60_000, renewalMilliseconds: 30_000 }
    const lease = await takeLease(scene.database.transport(), backupMark, timing)
    if (lease === undefined) throw new Error('another holds the lease')
    try {
      await work(scene, lease.owner)
    } finally {
      await lease.release()
    }
  }
}

/** A backup of the day after the last, by its schedule's name. */
function scheduledName({ round }: Scene, year: number): string {
  return `${new Date(Date.UTC(year, 0, 1 + round)).toISOString().slice(0, 10)}T033000Z`
}

const backups: Acts = {
  'a list of backups': ({ store }) => done(listBackups(store, administrator, { limit: 50 })),
  'the newest backup': ({ store }) => newestBackup(store),
  'a backup': ({ store }) => done(findBackup(store, administrator, { name: 'b7' })),
  'a backup that is asked for': (scene) =>
    done(
      requestBackup(scene.store, administrator, backup(scheduledName(scene, 2040), { result: 'requested' }), newId()),
    ),
  'the last backup': ({ store }) => done(findBackup(store, administrator, 'latest')),
  'what backups are due': ({ store }) => readBackupsDue(store),
  'the marks of backups': ({ store }) => ensureBackupMark(store),
  'backups by their schedule': ({ store }) => listScheduledBackups(store),
  'a backup that a command takes': ({ store }) => recordBackup(store, backup(newId()), newId()),
  'a drill of a backup': ({ store }) => recordDrill(store, { ...backup('b7'), sha256: 'h7', drilledAt: now }),
  'a drill of an archive': ({ store }) => recordDrill(store, { ...backup(newId()), sha256: newId(), drilledAt: now }),
  'a drill that is noted twice': async ({ store }) => {
    const drill = { ...backup('b8'), sha256: 'h8', drilledAt: now }
    await recordDrill(store, drill)
    await recordDrill(store, drill)
  },
  'a backup that a run takes': asRun(async (scene, owner) => {
    const { store } = scene
    const name = scheduledName(scene, 2041)
    await changed(noteBegun(store, owner, { name, uploadId: null, isTrial: false }))
    await changed(putBackup(store, owner, backup(name, { result: 'running' })))
    await changed(changeBackup(store, owner, name, { bytes: 2 }))
    await changed(endBackup(store, owner, backup(name), event()))
    await changed(removeBackup(store, owner, name))
  }),
  'a backup that is left to the next run': asRun(async (scene, owner) => {
    const name = scheduledName(scene, 2042)
    await putBackup(scene.store, owner, backup(name, { result: 'running' }))
    await postponeBackup(scene.store, owner, backup(name, { result: 'requested' }))
    await removeBackup(scene.store, owner, name)
  }),
  'a backup that fails': asRun(async (scene, owner) => {
    const name = scheduledName(scene, 2043)
    await addBackup(scene.store, owner, backup(name, { result: 'failed: internal' }), event())
    await removeBackup(scene.store, owner, name)
  }),
}

function slotOf(job: string, { round }: Scene) {
  const slot = new Date(now.getTime() + round)
  return { job, slot, owner: newId(), now: slot }
}

const service: Acts = {
  'schedules that are overdue': ({ store }) => countDueSchedules(store, now),
  'what is ready': ({ database }) => readiness(database),
  'what is not restored': ({ store }) => refuseWhileRestoring(store),
  'migrations that are applied': ({ store }) => appliedMigrationNames(store),
  'a time slot': (scene) => changed(takeSlot(scene.store, slotOf('test', scene))),
  'a time slot that is taken': (scene) => takeSlot(scene.store, { ...slotOf('test', scene), slot: new Date(0) }),
  'a time slot that was missed': (scene) => takeMissedSlot(scene.store, slotOf('missed', scene)),
  'a refusal that is stored': ({ store }) => storeResponseAlone(store, ofFew, { ...keyed(), answer: response }),
  'an answer that is stored': ({ store }) => findStored(store, 'u7', { key: 'none', fingerprint: 'f', at: now }),
  'an answer that is too old': async ({ store }) => {
    const old = { ...keyed(), answer: response }
    await storeResponseAlone(store, ofFew, old)
    const nextDay = new Date(now.getTime() + 2 * 86_400_000)
    if ((await findStored(store, ofFew.userId, { ...old, at: nextDay })) !== undefined)
      throw new Error('the answer was not released')
  },
}

/** Of commands and monitoring, and searches. */
export const wholeRecordActs: Acts = {
  'a command’s list of users': ({ store }) => listUsers(store),
  'a command’s list of keys': ({ store }) => listAllApiKeys(store),
  'an export of all workflows': ({ store }) => listForExport(store, {}),
  'a search among half of all workflows that finds none': ({ store }) =>
    done(listWorkflows(store, ofHalf, { scope: 'all', order: 'createdAt', limit: 50, q: 'none' })),
  'a search among users that finds none': ({ store }) =>
    done(listAllUsers(store, administrator, { limit: 50, q: 'nobody' })),
  'the state of the service': ({ store }) => readServiceState(store, now),
}

export const recordActs: Acts = { ...audit, ...settings, ...backups, ...service }
