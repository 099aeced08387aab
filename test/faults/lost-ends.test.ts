import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import { openDatabase } from '@millrace/drivers/open'
import { getExecution } from '@millrace/db/repositories/executions/executions'
import { claimExecutions } from '@millrace/db/repositories/executions/claim'
import { listExecutions } from '@millrace/db/repositories/executions/list'
import { removeExecution } from '@millrace/db/repositories/executions/control'
import { reportExecution } from '@millrace/db/repositories/executions/work'
import type { Store } from '@millrace/db/store/store'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { after, claimOf, createUser, createWorkflow, startExecution } from '../executions/kit.ts'
import { startLosingProxy, type LosingProxy } from './losing-proxy.ts'

/* What a worker's last word on an execution is told as, where the connection breaks. */

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let proxy: LosingProxy
  let owner: UserCaller
  let store: Store

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    proxy = await startLosingProxy(reached.gateway.url)
    owner = await createUser(reached.database.store())
  })
  beforeEach(async () => {
    // A database of its own for each test: the retry budget is one for a process.
    store = (await openDatabase({ target: reached.target, gatewayUrl: proxy.url })).store()
  })
  afterAll(async () => {
    await proxy.close()
    await reached.stop()
  })

  const sound = () => reached.database.store()
  const operation = () => ({ operation: randomUUID(), at: after(20) })

  /** A claimed execution on a workflow of its own. */
  async function claimed(): Promise<{ id: string; workflowId: string }> {
    const workflowId = await createWorkflow(sound(), owner)
    const { id } = await startExecution(sound(), owner, workflowId)
    await claimExecutions(sound(), owner, claimOf({ workflowIds: [workflowId] }))
    return { id, workflowId }
  }

  test('an end whose request is lost is not told as done by the end that another report made at the same moment', async () => {
    const { id } = await claimed()
    await listExecutions(store, owner, { statuses: [], limit: 1 })
    const end = { fence: 1, dueAt: null, leaseUntil: undefined } as const
    const failed = await reportExecution(sound(), owner, id, { ...end, step: 'fail', ...operation() })
    expect(failed).toMatchObject({ value: { status: 'failed' } })
    for (const step of ['complete', 'fail', 'pause', 'giveBack'] as const) {
      proxy.loseNext(1, 'request')
      const lost = await reportExecution(store, owner, id, { ...end, step, ...operation() })
      expect(lost).toEqual({ ok: false, refusal: 'invalid_transition' })
    }
    const { id: paused } = await claimed()
    await reportExecution(sound(), owner, paused, { ...end, step: 'pause', ...operation() })
    proxy.loseNext(1, 'request')
    const again = await reportExecution(store, owner, paused, { ...end, step: 'pause', ...operation() })
    expect(again).toEqual({ ok: false, refusal: 'invalid_transition' })
  })

  test('an end whose request is lost is not told as done by the end of another type, fence, moment or execution, once a claim has followed', async () => {
    const { id, workflowId } = await claimed()
    await listExecutions(store, owner, { statuses: [], limit: 1 })
    const report = (over: Store, step: 'complete' | 'pause', fence: number, seconds: number) =>
      reportExecution(over, owner, id, {
        ...{ fence, step, dueAt: after(seconds), leaseUntil: undefined },
        ...{ operation: randomUUID(), at: after(seconds) },
      })
    const claim = (seconds: number, leaseSeconds: number) =>
      claimExecutions(
        sound(),
        owner,
        claimOf({ workflowIds: [workflowId], at: after(seconds), leaseUntil: after(seconds + leaseSeconds) }),
      )
    expect(await report(sound(), 'pause', 1, 20)).toMatchObject({ value: { status: 'paused' } })
    await claim(20, 1)
    await claim(22, 60)
    for (const [step, fence, seconds] of [
      ['complete', 1, 20],
      ['pause', 2, 20],
      ['pause', 1, 21],
    ] as const) {
      proxy.loseNext(1, 'request')
      expect(await report(store, step, fence, seconds)).toEqual({ ok: false, refusal: 'fence_stale' })
    }
    expect(await getExecution(sound(), owner, id)).toMatchObject({ value: { status: 'running', fence: 3 } })
    const { id: other } = await claimed()
    proxy.loseNext(1, 'request')
    const lost = { fence: 1, step: 'pause', dueAt: null, leaseUntil: undefined, ...operation() } as const
    expect(await reportExecution(store, owner, other, lost)).toMatchObject({ value: { status: 'paused' } })
  })

  test('an end of an execution that is deleted before the look-up is no 404', async () => {
    const end = { fence: 1, step: 'complete', dueAt: null, leaseUntil: undefined } as const
    const { id: other } = await claimed()
    await listExecutions(store, owner, { statuses: [], limit: 1 })
    proxy.loseNext(0, 'answer')
    await reportExecution(store, owner, other, { ...end, ...operation() })
    const { id } = await claimed()
    proxy.loseNext(proxy.seen(), 'answer', () => removeExecution(sound(), owner, id, operation()))
    const lost = reportExecution(store, owner, id, { ...end, ...operation() })
    await expect(lost).rejects.toMatchObject({ fault: 'database_unreachable' })
  })
})
