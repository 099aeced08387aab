import type { UserCaller } from '@millrace/db/access/access'
import { claimExecutions, type Claim } from '@millrace/db/repositories/executions/claim'
import { noteFailedClaim } from '@millrace/db/repositories/executions/claim-backlogs'
import { stepsOf } from '@millrace/db/repositories/executions/claim-steps'
import { cancelExecution, removeExecution, resumeExecution } from '@millrace/db/repositories/executions/control'
import { createExecution, retryExecution } from '@millrace/db/repositories/executions/create'
import { listEntries } from '@millrace/db/repositories/executions/entries'
import { checkExecution, getExecution } from '@millrace/db/repositories/executions/executions'
import { listExecutions, type ExecutionListing } from '@millrace/db/repositories/executions/list'
import { sweepEndedExecutions } from '@millrace/db/repositories/executions/retention'
import { sendSignal } from '@millrace/db/repositories/executions/signals'
import { recordSteps } from '@millrace/db/repositories/executions/steps'
import { sweepExecutions } from '@millrace/db/repositories/executions/sweep'
import { renewLease, reportExecution, type Report } from '@millrace/db/repositories/executions/work'
import { documentOf } from '../../executions/kit.ts'
import {
  administrator,
  byKey,
  changed,
  done,
  expiring,
  keyed,
  newId,
  now,
  ofFew,
  ofHalf,
  ofLarge,
  ofMany,
  ofSpares,
  refused,
  response,
  soon,
  spare,
  type Act,
  type Acts,
  type Scene,
} from './act.ts'

const hold = () => ({ operation: newId(), at: now })
const ended = fillEnd()

/** Between the oldest and the newest of the smallest size. */
function fillEnd() {
  return { at: new Date('2026-01-01T00:08:00.000Z'), id: 'x480' }
}

async function claim(scene: Scene, caller: UserCaller, given: Partial<Claim> = {}): Promise<void> {
  const request = { ...hold(), worker: 'w', limit: 1, leaseUntil: soon(scene), workflowIds: undefined, ...given }
  const claimed = await done(claimExecutions(scene.store, caller, request))
  if (claimed.value.items.length === 0) throw new Error('nothing was claimed')
  giveBack(
    scene,
    claimed.value.items.map(({ id }) => id),
  )
}

/** As if they had not been claimed, so that the next round finds as many. */
function giveBack({ later, database }: Scene, ids: readonly string[]): void {
  const names = ids.map((id) => `'${id}'`).join(', ')
  const undone = `status = 'pending', attempts = 0, fence = 0, lease_until = null, lease_owner = null, last_op = null, started_at = null`
  const text = `update executions set ${undone} where id in (${names})`
  later(() => database.transport().run({ text, parameters: [] }))
}

function list(caller: UserCaller, given: Partial<ExecutionListing> = {}): Act {
  return ({ store }) => done(listExecutions(store, caller, { statuses: [], limit: 50, ...given }))
}

function report(share: number, given: Partial<Report>): Act {
  return (scene) =>
    done(
      reportExecution(scene.store, ofSpares, spare('sr', share, scene), {
        ...{ fence: 1, step: 'keep', dueAt: null, leaseUntil: undefined, ...hold(), ...given },
      }),
    )
}

function entries(of: 'history' | 'steps' | 'signals', given: { name?: string; key?: string } = {}): Act {
  return ({ store }) => done(listEntries(store, ofSpares, 'xh', { of, afterSeq: 0, limit: 100, ...given }))
}

const creation = () => ({ id: newId(), input: null, dueAt: null, maxAttempts: 3, createdAt: now })
const keyedCreation = () => ({ ...keyed(), answerFor: () => response })

export const executionActs: Acts = {
  'a claim of a large queue': (scene) => claim(scene, ofLarge, { workflowIds: ['w2'] }),
  'a claim without names': (scene) => claim(scene, ofLarge),
  'a claim of who owns many': (scene) => claim(scene, ofMany),
  'the next of a queue': async (scene) => {
    await claim(scene, ofLarge, { workflowIds: ['w2'] })
    await claim(scene, ofLarge, { workflowIds: ['w2'] })
  },
  'a claim after one that failed': async (scene) => {
    noteFailedClaim(scene.store, ofLarge)
    await claim(scene, ofLarge)
  },
  'a claim of fifty': (scene) => claim(scene, ofLarge, { limit: 50 }),
  'claims that go together': (scene) => {
    const workers = Array.from({ length: 32 }, (_, place) => `w${place}`)
    return claim(scene, ofLarge, { worker: 'w0', workers, workflowIds: ['w2'] })
  },
  'a claim of a hundred workflows': (scene) =>
    claim(scene, ofLarge, { limit: 50, workflowIds: Array.from({ length: 100 }, (_, index) => `w${index + 1}`) }),
  'an administrator’s claim': (scene) => claim(scene, administrator, { limit: 10 }),
  'an administrator’s claim of a large queue': (scene) => claim(scene, administrator, { workflowIds: ['w2'] }),
  // Where one execution is pending, in each size.
  'an administrator’s claim of a small queue': (scene) => claim(scene, administrator, { workflowIds: ['w10'] }),
  'a claim under a key, and again': async (scene) => {
    const key = { ...keyed(), head: { status: 200, headers: {} } }
    const request = { ...hold(), worker: 'w', limit: 1, leaseUntil: soon(scene), workflowIds: ['w2'] }
    const first = await done(claimExecutions(scene.store, ofLarge, request, key))
    const again = await done(claimExecutions(scene.store, ofLarge, { ...request, operation: newId() }, key))
    if (!again.value.isReplayed) throw new Error('the claim was not given its first answer')
    giveBack(
      scene,
      first.value.items.map(({ id }) => id),
    )
  },
  'a claim that finds nothing, under a key': async ({ store }) => {
    const key = { ...keyed(), head: { status: 200, headers: {} } }
    const none = { ...hold(), worker: 'w', limit: 1, leaseUntil: now, workflowIds: ['none'] }
    await done(claimExecutions(store, ofFew, none, key))
  },
  'steps of what is claimed': ({ store }) => {
    const execution = { id: 'xh', input: null, state: null, definition: documentOf('{}') }
    return stepsOf(store, [execution as Parameters<typeof stepsOf>[1][number]])
  },
  'a read of an execution': ({ store }) => done(getExecution(store, ofSpares, 'xh')),
  'a read by an administrator': ({ store }) => done(getExecution(store, administrator, 'xh')),
  'a check of an execution': ({ store }) => done(checkExecution(store, ofSpares, 'xh', 'owner')),
  'a list of executions': list(ofFew),
  'a list by a key': list(byKey),
  'a list of who owns many': list(ofMany),
  'a list of who owns half of all workflows': list(ofHalf),
  'a later page of who owns half of all workflows': list(ofHalf, { after: ended }),
  'a list of who has a third': list(ofLarge),
  'a later page of who has a third': list(ofLarge, { after: ended }),
  'a list by status of who has a third': list(ofLarge, { statuses: ['failed', 'cancelled'] }),
  'a list by status of who owns many': list(ofMany, { statuses: ['pending'] }),
  'a list of what is pending of who has a third': list(ofLarge, { statuses: ['pending'] }),
  'a list of one workflow by two statuses': list(ofLarge, { workflowId: 'w2', statuses: ['paused', 'pending'] }),
  'a list of one workflow by a status that none has': list(ofLarge, { workflowId: 'w2', statuses: ['failed'] }),
  'a later page of one workflow by status': list(ofLarge, { workflowId: 'w2', statuses: ['pending'], after: ended }),
  'a list of one workflow': list(ofLarge, { workflowId: 'w2' }),
  'a list of one workflow by status': list(ofLarge, { workflowId: 'w2', statuses: ['pending'] }),
  'a list since and until': list(ofLarge, { since: new Date('2026-01-01T00:02:00Z'), until: ended.at }),
  'an administrator’s list': list(administrator),
  'an administrator’s list by status': list(administrator, { statuses: ['failed'], limit: 10 }),
  'an administrator’s later page': list(administrator, { after: ended }),
  'a start': ({ store }) => done(createExecution(store, ofFew, 'w7', creation())),
  'a start in a large queue': ({ store }) => done(createExecution(store, ofLarge, 'w2', creation())),
  'a start under a key': ({ store }) => done(createExecution(store, ofFew, 'w7', creation(), keyedCreation())),
  'a start that is refused': ({ store }) => refused(createExecution(store, ofFew, 'w6', creation())),
  'a retry': ({ store }) => done(retryExecution(store, ofSpares, 'xh', { id: newId(), createdAt: now })),
  'a retry under a key': ({ store }) =>
    done(retryExecution(store, ofSpares, 'xh', { id: newId(), createdAt: now }, keyedCreation())),
  'a heartbeat': (scene) =>
    done(renewLease(scene.store, ofSpares, 'sr1', { fence: 1, leaseUntil: soon(scene), ...hold() })),
  'a heartbeat that is refused': (scene) =>
    refused(renewLease(scene.store, ofSpares, 'sr1', { fence: 7, leaseUntil: soon(scene), ...hold() })),
  'a report of state': report(0, { state: documentOf('{"a":1}') }),
  'a report that pauses': report(1, { step: 'pause', waitFor: { names: ['a', 'b'], afterSeq: 0 } }),
  'a report that completes': report(2, { step: 'complete' }),
  'a report that fails': report(3, { step: 'fail', error: documentOf('{"code":"e","message":"m"}') }),
  'a report that gives back': report(4, { step: 'giveBack' }),
  'a report that is refused': ({ store }) =>
    refused(
      reportExecution(store, ofSpares, 'xh', { fence: 9, step: 'keep', dueAt: null, leaseUntil: undefined, ...hold() }),
    ),
  'steps that are recorded': (scene) =>
    done(
      recordSteps(scene.store, ofSpares, spare('sr', 0, scene), {
        ...{ fence: 1, leaseUntil: soon(scene), ...hold() },
        steps: [{ key: newId(), output: documentOf('1'), error: null, attempt: null, startedAt: null }],
      }),
    ),
  'a step that is recorded twice': async (scene) => {
    const step = { key: newId(), output: documentOf('1'), error: null, attempt: null, startedAt: null }
    const once = { fence: 1, leaseUntil: undefined, steps: [step] as [typeof step] }
    await done(recordSteps(scene.store, ofSpares, spare('sr', 0, scene), { ...once, ...hold() }))
    await done(recordSteps(scene.store, ofSpares, spare('sr', 0, scene), { ...once, ...hold() }))
  },
  'a signal': (scene) =>
    done(sendSignal(scene.store, ofSpares, spare('sr', 0, scene), { name: 'a', payload: null, ...hold() })),
  'a signal under a key': (scene) =>
    done(
      sendSignal(
        scene.store,
        ofSpares,
        spare('sr', 0, scene),
        { name: 'a', payload: documentOf('1'), ...hold() },
        { ...keyed(), head: { status: 202, headers: {} } },
      ),
    ),
  'a cancellation': (scene) => done(cancelExecution(scene.store, ofSpares, spare('sr', 5, scene), hold())),
  'a resumption': (scene) => done(resumeExecution(scene.store, ofSpares, spare('sp', 0, scene), hold())),
  'a deletion of an execution': (scene) => done(removeExecution(scene.store, ofSpares, spare('se', 0, scene), hold())),
  'a deletion that is refused': ({ store }) => refused(removeExecution(store, ofSpares, 'sr1', hold())),
  'a history': entries('history'),
  'a list of steps': entries('steps'),
  'one step': entries('steps', { key: 'k4' }),
  'a list of signals': entries('signals', { name: 'a' }),
  'a sweep of ended executions': (scene) => changed(sweepEndedExecutions(scene.store, expiring(scene, 10))),
}

/**
 * A clean-up that looks at all that is due: which of that has its attempts used up, no index says. A list of what few
 * executions have, of thousands of workflows: each is looked at.
 */
export const wholeExecutionActs: Acts = {
  'a list by a rare status of who owns half of all workflows': list(ofHalf, { statuses: ['failed'] }),
  'a sweep of executions': async (scene) => {
    const id = spare('sp', 1, scene)
    const text = `update executions set attempts = max_attempts, due_at = created_at where id = '${id}'`
    await scene.database.transport().run({ text, parameters: [] })
    await changed(sweepExecutions(scene.store, hold()))
  },
}
