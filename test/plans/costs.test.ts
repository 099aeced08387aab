import type { UserCaller } from '@millrace/db/access/access'
import { claimExecutions } from '@millrace/db/repositories/executions/claim'
import { cancelExecution, removeExecution } from '@millrace/db/repositories/executions/control'
import { createExecution, retryExecution } from '@millrace/db/repositories/executions/create'
import { listEntries } from '@millrace/db/repositories/executions/entries'
import { getExecution } from '@millrace/db/repositories/executions/executions'
import { listExecutions } from '@millrace/db/repositories/executions/list'
import { sendSignal } from '@millrace/db/repositories/executions/signals'
import { recordSteps } from '@millrace/db/repositories/executions/steps'
import { sweepExecutions } from '@millrace/db/repositories/executions/sweep'
import { renewLease, reportExecution } from '@millrace/db/repositories/executions/work'
import type { Store } from '@millrace/db/store/store'
import { documentOf } from '../executions/kit.ts'
import { describeCosts } from './describe-costs.ts'
import { fillWithExecutions } from './fill-executions.ts'

/* Of executions: what each act's statements are estimated to cost. */

const now = new Date('2030-01-01T00:00:00.000Z')
const soon = new Date('2030-01-01T00:01:00.000Z')
const caller = (userId: string): UserCaller => ({ kind: 'user', userId, issuedAt: now, mayAdminister: true })
const [many, administrator] = [caller('u2'), caller('u1')]
const hold = () => ({ operation: crypto.randomUUID(), at: now })

function claim(store: Store, by: UserCaller, limit: number, workflowIds?: readonly string[]) {
  return claimExecutions(store, by, { ...hold(), worker: 'w', limit, leaseUntil: soon, workflowIds })
}

const acts: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  'a claim of one': (store) => claim(store, many, 1),
  'a claim of fifty': (store) => claim(store, many, 50),
  'claims that go together': (store) => {
    const workers = Array.from({ length: 32 }, (_, place) => `w${place}`)
    return claimExecutions(store, many, {
      ...hold(),
      worker: 'w0',
      workers,
      limit: 1,
      leaseUntil: soon,
      workflowIds: ['w2'],
    })
  },
  'a claim of a workflow': (store) => claim(store, many, 1, ['w2']),
  'a claim of a hundred workflows': (store) =>
    claim(store, many, 50, [...Array.from({ length: 100 }, (_, index) => `w${index + 1}`)]),
  'an administrator’s claim': (store) => claim(store, administrator, 10),
  'a read': (store) => getExecution(store, many, 'x3'),
  'a list': (store) => listExecutions(store, many, { statuses: [], limit: 50 }),
  'a list by status': (store) => listExecutions(store, administrator, { statuses: ['failed'], limit: 100 }),
  'a creation': (store) =>
    createExecution(store, many, 'w2', {
      id: crypto.randomUUID(),
      input: null,
      dueAt: null,
      maxAttempts: 3,
      createdAt: now,
    }),
  'a retry': (store) => retryExecution(store, many, 'x3', { id: crypto.randomUUID(), createdAt: now }),
  'a heartbeat': (store) => renewLease(store, many, 'x3', { fence: 1, leaseUntil: soon, ...hold() }),
  'a report': (store) =>
    reportExecution(store, many, 'x3', {
      fence: 1,
      step: 'pause',
      dueAt: null,
      waitFor: { names: ['a', 'b'], afterSeq: 0 },
      leaseUntil: undefined,
      ...hold(),
    }),
  'a step': (store) =>
    recordSteps(store, many, 'x3', {
      fence: 1,
      steps: [{ key: 'k', output: documentOf('1'), error: null, attempt: null, startedAt: null }],
      leaseUntil: soon,
      ...hold(),
    }),
  'a signal': (store) => sendSignal(store, many, 'x3', { name: 'a', payload: null, ...hold() }),
  'a cancellation': (store) => cancelExecution(store, many, 'x3', hold()),
  'a deletion': (store) => removeExecution(store, many, 'x3', hold()),
  'a history': (store) => listEntries(store, many, 'x3', { of: 'history', afterSeq: 0, limit: 100 }),
  steps: (store) => listEntries(store, many, 'x3', { of: 'steps', afterSeq: 0, limit: 100 }),
  'a sweep': (store) => sweepExecutions(store, hold()),
}

/** Of rows, and whether the planner has ever looked at them. */
const sizes = [
  ['a fresh database', { count: 20, isAnalyzed: false }],
  ['1,000 executions', { count: 1000, isAnalyzed: false }],
  ['100,000 executions, never analysed', { count: 100_000, isAnalyzed: false }],
  ['100,000 executions, analysed', { count: 100_000, isAnalyzed: true }],
] as const

describeCosts(sizes, fillWithExecutions, acts)
