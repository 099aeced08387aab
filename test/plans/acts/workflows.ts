import type { Caller } from '@millrace/db/access/access'
import { createSchedule, changeSchedule, removeSchedule } from '@millrace/db/repositories/schedules/write'
import { disableSchedule, dueSchedules, passOver, startPlanned } from '@millrace/db/repositories/schedules/serve'
import { getSchedule, listSchedules, type ScheduleView } from '@millrace/db/repositories/schedules/schedules'
import { createWorkflows } from '@millrace/db/repositories/workflows/create'
import { listForExport, readForExport } from '@millrace/db/repositories/workflows/export'
import { listWorkflows, type WorkflowListing } from '@millrace/db/repositories/workflows/list'
import { patchWorkflow, type WorkflowChange } from '@millrace/db/repositories/workflows/patch'
import { deleteWorkflow } from '@millrace/db/repositories/workflows/remove'
import { listShares } from '@millrace/db/repositories/workflows/shares'
import { putShare, type NewShare, type ShareTarget } from '@millrace/db/repositories/workflows/shares-put'
import { checkShare, deleteShare } from '@millrace/db/repositories/workflows/shares-remove'
import { transferWorkflow } from '@millrace/db/repositories/workflows/transfer'
import { checkVersions, getVersion, getVersionPair, listVersions } from '@millrace/db/repositories/workflows/versions'
import { restoreVersion } from '@millrace/db/repositories/workflows/versions-restore'
import { checkWorkflow, getWorkflow } from '@millrace/db/repositories/workflows/workflows'
import { documentOf } from '../../executions/kit.ts'
import {
  administrator,
  attemptOf,
  byKey,
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
  unlimited,
  type Act,
  type Acts,
  type Scene,
} from './act.ts'

const hold = () => ({ operation: newId(), at: now })
/** Between the oldest and the newest of the smallest size. */
const after = { at: new Date('2026-01-01T00:08:00.000Z'), id: 'w480' }
const anonymous: Caller = { kind: 'anonymous' }

function list(caller: Caller, given: Partial<WorkflowListing> = {}): Act {
  return ({ store }) => done(listWorkflows(store, caller, { scope: 'all', order: 'createdAt', limit: 50, ...given }))
}

function creation() {
  const versionId = newId()
  const definition = documentOf('{}')
  return { id: newId(), versionId, name: 'new', description: null, definition, isPublic: false, createdAt: now }
}

function patch(change: () => WorkflowChange, caller = ofSpares): Act {
  return ({ store }) =>
    done(patchWorkflow(store, caller, 'w5', { change: change(), ifRevision: 'any', versionId: newId(), ...hold() }))
}

function share(target: (scene: Scene) => ShareTarget): Omit<NewShare, 'target'> & { target: typeof target } {
  return { id: newId(), target, permission: 'edit', attemptId: newId(), rates: unlimited, ...hold() }
}

function put(target: (scene: Scene) => ShareTarget, workflowId = 'w7', isKeyed = false): Act {
  return (scene) => {
    const key = isKeyed ? { ...keyed(), answerFor: () => response } : undefined
    const caller = workflowId === 'w7' ? ofFew : ofSpares
    return done(putShare(scene.store, caller, workflowId, { ...share(target), target: target(scene) }, key))
  }
}

function version(number: number) {
  return { versionNumber: number, ifRevision: 'any' as const, changeNotes: null, versionId: newId(), ...hold() }
}

export const workflowActs: Acts = {
  'a read of a workflow': ({ store }) => done(getWorkflow(store, ofFew, 'w7')),
  'a read of a workflow by a key': ({ store }) => done(getWorkflow(store, byKey, 'w7')),
  'a read of a workflow by an administrator': ({ store }) => done(getWorkflow(store, administrator, 'w7')),
  'a check of a workflow': ({ store }) => done(checkWorkflow(store, ofFew, 'w7', 'owner')),
  'a list of workflows': list(ofFew),
  'a list of workflows of who owns half': list(ofHalf),
  'a later page of workflows': list(ofHalf, { after }),
  'a list of workflows by change': list(ofHalf, { order: 'updatedAt', updatedSince: new Date(0) }),
  'a list of one’s own': list(ofHalf, { scope: 'owned' }),
  'a list of shared ones': list(ofFew, { scope: 'shared' }),
  'a list of public ones': list(anonymous, { scope: 'public' }),
  'a search of workflows': list(ofHalf, { q: 'name' }),
  'a search of few workflows that finds none': list(ofFew, { q: 'none' }),
  'a creation': ({ store }) => done(createWorkflows(store, ofFew, [creation()])),
  'a creation of a hundred': ({ store }) => {
    const [first, ...others] = Array.from({ length: 100 }, creation)
    return done(createWorkflows(store, ofFew, [first ?? creation(), ...others]))
  },
  'a creation by a command': ({ store }) =>
    done(createWorkflows(store, { ...ofFew, sessionId: undefined, origin: undefined }, [creation()])),
  'a creation under a key': ({ store }) =>
    done(createWorkflows(store, ofFew, [creation()], { ...keyed(), answer: response })),
  'an update of a definition': patch(() => ({ definition: documentOf(`{"id":"${newId()}"}`) })),
  'an update of a name': patch(() => ({ name: newId() })),
  'an update by an administrator': patch(() => ({ description: newId() }), administrator),
  'an update that changes nothing': patch(() => ({ isPublic: false })),
  'a deletion of a workflow': (scene) =>
    done(deleteWorkflow(scene.store, ofSpares, spare('sw', 0, scene), 'any', hold())),
  'a deletion of a workflow that is refused': ({ store }) =>
    refused(deleteWorkflow(store, ofSpares, 'w5', 'any', hold())),
  'a transfer': (scene) =>
    done(
      transferWorkflow(scene.store, ofSpares, spare('sw', 1, scene), {
        ...{ usernameKey: 'u6', ifRevision: 'any', lookup: attemptOf('lookup', 'u5'), shareId: newId(), ...hold() },
      }),
    ),
  'a transfer to nobody': ({ store }) =>
    refused(
      transferWorkflow(store, ofSpares, 'w5', {
        ...{ usernameKey: 'no', ifRevision: 'any', lookup: attemptOf('lookup', 'u5'), shareId: newId(), ...hold() },
      }),
    ),
  'a list of versions': ({ store }) => done(listVersions(store, ofSpares, 'w5', { limit: 50 })),
  'a version': ({ store }) => done(getVersion(store, ofFew, 'w7', 1)),
  'two versions': ({ store }) => done(getVersionPair(store, ofFew, 'w7', { from: 1, to: 1 })),
  'a check of versions': ({ store }) => done(checkVersions(store, ofFew, 'w7', { from: 1, to: 1 }, 'view')),
  'a version that is restored': ({ store }) => done(restoreVersion(store, ofSpares, 'w5', version(1))),
  'a version that is restored under a key': ({ store }) =>
    done(restoreVersion(store, ofSpares, 'w5', version(1), { ...keyed(), answerFor: () => response })),
  'a version that is not there': ({ store }) => refused(restoreVersion(store, ofSpares, 'w5', version(9_999_999))),
  'a list of shares': ({ store }) => done(listShares(store, ofSpares, 'w5', { limit: 50 })),
  'a share': put((scene) => ({ userId: spare('su', 0, scene) })),
  'a share by name': put((scene) => ({ usernameKey: spare('su', 1, scene) })),
  'a share under a key': put((scene) => ({ userId: spare('su', 2, scene) }), 'w7', true),
  'a share that is changed': put((scene) => ({ userId: spare('su', 3, scene) }), 'w5'),
  'a share with nobody': ({ store }) =>
    refused(putShare(store, ofFew, 'w7', { ...share(() => ({ userId: 'no' })), target: { userId: 'no' } })),
  'the end of a share': (scene) =>
    done(deleteShare(scene.store, ofSpares, { workflowId: 'w5', userId: spare('su', 4, scene), ...hold() })),
  'the end of a share that is not there': ({ store }) =>
    refused(deleteShare(store, ofSpares, { workflowId: 'w5', userId: 'no', ...hold() })),
  'a check of a share': ({ store }) => checkShare(store, ofSpares, 'w5', 'su1'),
  'an export of one user’s workflows': ({ store }) => listForExport(store, { ownerId: 'u7' }),
  'an export of named workflows': ({ store }) => listForExport(store, { ids: ['w7', 'w5'] }),
  'an export of a definition': ({ store }) => readForExport(store, 'w7'),
}

function newSchedule(): ScheduleView {
  return {
    ...{ id: newId(), workflowId: 'w7', name: 'new', cron: '0 3 * * *', timeZone: 'UTC', input: null, maxAttempts: 3 },
    ...{ isEnabled: true, disabledReason: null, overlap: 'allow', catchUp: 'latest', nextAt: now, lastAt: null },
    ...{ lastExecutionId: null, revision: 1, createdBy: 'u7', createdAt: now, updatedAt: now },
  }
}

/** Not due for as long as acts are looked at. */
const distant = new Date('2060-01-01T00:00:00.000Z')

async function readSpare({ store, ...scene }: Scene, part: number) {
  const read = await done(getSchedule(store, ofSpares, spare('sd', part, { store, ...scene }), 'edit'))
  if (read.value.nextAt === null) throw new Error('the schedule is not due')
  return { ...read.value, nextAt: read.value.nextAt }
}

export const scheduleActs: Acts = {
  'a list of schedules': ({ store }) => done(listSchedules(store, ofSpares, 'w5', { limit: 50 })),
  'a schedule that is made': ({ store }) => done(createSchedule(store, ofFew, newSchedule(), { eventId: newId() })),
  'a schedule that is made under a key': ({ store }) =>
    done(
      createSchedule(store, ofFew, newSchedule(), { eventId: newId(), idempotent: { ...keyed(), answer: response } }),
    ),
  'a schedule that is changed': async (scene) => {
    const edit = { change: { name: newId() }, type: 'schedule.changed', members: ['name'] } as const
    const schedule = await readSpare(scene, 0)
    await changed(changeSchedule(scene.store, ofSpares, { schedule, ...edit, eventId: newId(), at: now }))
  },
  'a schedule that is deleted': async (scene) => {
    const schedule = await readSpare(scene, 1)
    await changed(removeSchedule(scene.store, ofSpares, { schedule, eventId: newId(), at: now }))
  },
  'schedules that are due': ({ store }) => dueSchedules(store, { at: now, limit: 50 }),
  'a schedule that is served': async (scene) => {
    const schedule = await readSpare(scene, 2)
    const made = { executionId: newId(), eventId: newId(), at: now }
    const started = await startPlanned(scene.store, { schedule, plannedAt: schedule.nextAt, nextAt: distant, ...made })
    if (started === 'closed') throw new Error('the schedule was not served')
  },
  'a schedule that waits for its last execution': async (scene) => {
    const schedule = { ...(await readSpare(scene, 2)), overlap: 'skip' as const }
    const made = { executionId: newId(), eventId: newId(), at: now }
    await startPlanned(scene.store, { schedule, plannedAt: schedule.nextAt, nextAt: distant, ...made })
    await passOver(scene.store, { schedule, nextAt: distant, because: 'unfinished', operation: newId() })
  },
  'a time that is passed over': async (scene) => {
    const pass = {
      schedule: await readSpare(scene, 3),
      nextAt: distant,
      because: 'missed',
      operation: newId(),
    } as const
    await changed(passOver(scene.store, pass))
  },
  'a schedule that is disabled': async (scene) => {
    const schedule = await readSpare(scene, 4)
    const cause = { cause: 'no_timetable', reason: 'for a test' } as const
    await changed(disableSchedule(scene.store, { schedule, ...cause, eventId: newId(), at: now }))
  },
  'a schedule whose maker may still start it': async (scene) => {
    const schedule = await readSpare(scene, 0)
    const reason = { isDisabled: 'disabled', otherwise: 'otherwise' }
    await disableSchedule(scene.store, { schedule, cause: 'not_allowed', reason, eventId: newId(), at: now })
  },
}
