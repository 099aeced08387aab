import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import { openDatabase } from '@millrace/drivers/open'
import { getExecution } from '@millrace/db/repositories/executions/executions'
import { claimExecutions } from '@millrace/db/repositories/executions/claim'
import { createExecution, retryExecution } from '@millrace/db/repositories/executions/create'
import { listExecutions } from '@millrace/db/repositories/executions/list'
import { cancelExecution, removeExecution, resumeExecution } from '@millrace/db/repositories/executions/control'
import { recordSteps, type NewStep } from '@millrace/db/repositories/executions/steps'
import { renewLease, reportExecution } from '@millrace/db/repositories/executions/work'
import { sendSignal } from '@millrace/db/repositories/executions/signals'
import type { Store } from '@millrace/db/store/store'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { after, claimOf, createUser, createWorkflow, documentOf, startExecution } from '../executions/kit.ts'
import { startLosingProxy, type Loss, type LosingProxy } from './losing-proxy.ts'

const losses: readonly Loss[] = ['request', 'answer']

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

  describe.each(losses)('when the %s of any trip is lost', (loss) => {
    /** Warms the store up, then loses each of its trips in turn: the schema is looked at on the first. */
    async function losingEach(trips: number, act: () => Promise<void>): Promise<void> {
      await listExecutions(store, owner, { statuses: [], limit: 1 })
      for (let trip = 1; trip <= trips; trip += 1) {
        proxy.loseNext(trip, loss)
        await act()
        expect(proxy.seen()).toBeGreaterThanOrEqual(trip)
      }
    }
    const trips = dialect === 'mysql' ? 2 : 1

    test('a claim takes what it is given once, and gives it to its caller', async () => {
      await losingEach(trips, async () => {
        const workflowId = await createWorkflow(sound(), owner)
        for (let count = 0; count < 6; count += 1) {
          await startExecution(sound(), owner, workflowId, { createdAt: after(count) })
        }
        const outcome = await claimExecutions(store, owner, claimOf({ limit: 2, workflowIds: [workflowId] }))
        expect(outcome).toMatchObject({
          value: {
            items: [
              { fence: 1, attempts: 1 },
              { fence: 1, attempts: 1 },
            ],
          },
        })
        const running = await listExecutions(sound(), owner, { statuses: ['running'], workflowId, limit: 10 })
        expect(running).toMatchObject({ value: { rows: [{ attempts: 1 }, { attempts: 1 }] } })
      })
    })

    test('a claim under a key is no replay to the one whose answer was lost', async () => {
      await losingEach(dialect === 'mysql' ? 5 : 1, async () => {
        const workflowId = await createWorkflow(sound(), owner)
        for (let count = 0; count < 3; count += 1) await startExecution(sound(), owner, workflowId)
        const request = { key: randomUUID(), fingerprint: 'f', at: after(10), head: { status: 200, headers: {} } }
        const claim = () => claimExecutions(store, owner, claimOf({ workflowIds: [workflowId] }), request)
        const first = await claim()
        expect(first).toMatchObject({ value: { isReplayed: false, items: [{ fence: 1, attempts: 1 }] } })
        expect(await claim()).toEqual({ ok: true, value: { ...(first.ok ? first.value : {}), isReplayed: true } })
        const running = await listExecutions(sound(), owner, { statuses: ['running'], workflowId, limit: 10 })
        expect(running).toMatchObject({ value: { rows: [{ attempts: 1 }] } })
      })
    })

    test('one is created, and its creator is told so', async () => {
      await losingEach(trips, async () => {
        const workflowId = await createWorkflow(sound(), owner)
        const execution = { id: randomUUID(), input: null, dueAt: null, maxAttempts: 3, createdAt: after(2) }
        const made = await createExecution(store, owner, workflowId, execution)
        expect(made).toMatchObject({ ok: true, value: { id: execution.id, status: 'pending' } })
        expect(await listExecutions(sound(), owner, { statuses: [], workflowId, limit: 10 })).toMatchObject({
          value: { rows: [{ id: execution.id }] },
        })
      })
    })

    test('a heartbeat, a report, a resumption, a cancellation and a retry are done once', async () => {
      await losingEach(trips, async () => {
        const { id } = await claimed()
        expect(await renewLease(store, owner, id, { fence: 1, leaseUntil: after(99), ...operation() })).toEqual({
          ok: true,
          value: undefined,
        })
        proxy.loseNext(1, loss)
        const pause = { fence: 1, step: 'pause', dueAt: null, leaseUntil: undefined } as const
        expect(await reportExecution(store, owner, id, { ...pause, ...operation() })).toMatchObject({
          value: { status: 'paused' },
        })
        proxy.loseNext(1, loss)
        expect(await resumeExecution(store, owner, id, operation())).toMatchObject({
          value: { status: 'pending' },
        })
        proxy.loseNext(1, loss)
        expect(await cancelExecution(store, owner, id, operation())).toMatchObject({
          value: { status: 'cancelled', fence: 2 },
        })
        proxy.loseNext(1, loss)
        const retry = { id: randomUUID(), createdAt: after(30) }
        expect(await retryExecution(store, owner, id, retry)).toMatchObject({ value: { id: retry.id } })
        expect(await getExecution(sound(), owner, id)).toMatchObject({ value: { status: 'cancelled', fence: 2 } })
      })
    })
  })

  // On MySQL the lookup waits for the first instead.
  if (dialect !== 'mysql') {
    test('a claim that is sent twice takes nothing the second time', async () => {
      const workflowId = await createWorkflow(sound(), owner)
      for (let count = 0; count < 4; count += 1) await startExecution(sound(), owner, workflowId)
      const claim = claimOf({ workflowIds: [workflowId] })
      const [first, second] = await Promise.all([
        claimExecutions(sound(), owner, claim),
        claimExecutions(sound(), owner, claim),
      ])
      expect(second).toEqual(first)
      expect(first).toMatchObject({ value: { items: [{ fence: 1 }] } })
    })
  }

  test('a signal whose answer is lost is told its own place, though another of that name and moment came before the look-up', async () => {
    const { id } = await claimed()
    const signal = () => ({ name: 'go "on"', payload: null, ...operation() })
    await sendSignal(store, owner, id, signal())
    proxy.loseNext(0, 'answer')
    const before = await sendSignal(store, owner, id, signal())
    proxy.loseNext(proxy.seen(), 'answer', () => sendSignal(sound(), owner, id, signal()))
    const lost = await sendSignal(store, owner, id, signal())
    expect(before).toEqual({ ok: true, value: { seq: 4 } })
    expect(lost).toEqual({ ok: true, value: { seq: 5 } })
    expect(await sendSignal(sound(), owner, id, signal())).toEqual({ ok: true, value: { seq: 7 } })
  })

  test('a start whose execution is deleted before the look-up is not made again, and says that its answer is lost', async () => {
    const workflowId = await createWorkflow(sound(), owner)
    const start = (id: string) =>
      createExecution(store, owner, workflowId, { id, input: null, dueAt: null, maxAttempts: 3, createdAt: after(1) })
    await start(randomUUID())
    proxy.loseNext(0, 'answer')
    await start(randomUUID())
    const id = randomUUID()
    proxy.loseNext(proxy.seen(), 'answer', async () => {
      await cancelExecution(sound(), owner, id, operation())
      await removeExecution(sound(), owner, id, operation())
    })
    await expect(start(id)).rejects.toMatchObject({ fault: 'database_unreachable' })
    expect(await getExecution(sound(), owner, id)).toEqual({ ok: false, refusal: 'not_found' })
  })

  test('a heartbeat whose answer is lost makes no lease shorter than a later one was told', async () => {
    const { id } = await claimed()
    await listExecutions(store, owner, { statuses: [], limit: 1 })
    const renew = (over: Store, seconds: number) =>
      renewLease(over, owner, id, { fence: 1, leaseUntil: after(seconds), ...operation() })
    proxy.loseNext(1, 'answer', () => renew(sound(), 99))
    await expect(renew(store, 60)).rejects.toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
    expect(await getExecution(sound(), owner, id)).toMatchObject({ value: { leaseUntil: after(99) } })
    expect(await renew(sound(), 60)).toEqual({ ok: true, value: undefined })
  })

  /** A claim, under way, of the one execution of a workflow. */
  async function claimOne() {
    const workflowId = await createWorkflow(sound(), owner)
    const { id } = await startExecution(sound(), owner, workflowId)
    return { id, given: claimExecutions(store, owner, claimOf({ workflowIds: [workflowId] })) }
  }

  /** The trip that applies it. */
  async function lastTripOfClaim(): Promise<number> {
    await listExecutions(store, owner, { statuses: [], limit: 1 })
    proxy.loseNext(0, 'answer')
    await (
      await claimOne()
    ).given
    return proxy.seen()
  }

  test('a claim whose answer is lost finds what it was given, though others renewed it under a fence that they read', async () => {
    const claim = async () => {
      const workflowId = await createWorkflow(sound(), owner)
      const { id } = await startExecution(sound(), owner, workflowId)
      return { id, given: claimExecutions(store, owner, claimOf({ workflowIds: [workflowId] })) }
    }
    await listExecutions(store, owner, { statuses: [], limit: 1 })
    proxy.loseNext(0, 'answer')
    await (
      await claim()
    ).given
    const lastTrip = proxy.seen()
    const renewals: readonly ((id: string, seconds: number) => Promise<unknown>)[] = [
      (id, seconds) => renewLease(sound(), owner, id, { fence: 1, leaseUntil: after(seconds), ...operation() }),
      (id, seconds) => {
        const keep = { fence: 1, step: 'keep', dueAt: null, state: documentOf(String(seconds)) } as const
        return reportExecution(sound(), owner, id, { ...keep, leaseUntil: after(seconds), ...operation() })
      },
      (id, seconds) => {
        const step: NewStep = { key: 'one', output: documentOf('1'), error: null, attempt: null, startedAt: null }
        const steps = { fence: 1, steps: [step], leaseUntil: after(seconds), ...operation() } as const
        return recordSteps(sound(), owner, id, steps)
      },
    ]
    for (const order of [renewals, renewals.toReversed(), renewals.slice(1)]) {
      let id = ''
      proxy.loseNext(lastTrip, 'answer', async () => {
        for (const [turn, renewal] of order.entries()) await renewal(id, 70 + turn)
      })
      const sent = await claimOne()
      id = sent.id
      expect(await sent.given).toMatchObject({ value: { items: [{ id, fence: 1 }] } })
      expect(await getExecution(sound(), owner, id)).toMatchObject({
        value: { attempts: 1, leaseUntil: after(69 + order.length) },
      })
    }
  })

  test('a claim whose answer is lost tells what it was given, though that was cancelled before the look-up', async () => {
    const lastTrip = await lastTripOfClaim()
    let id = ''
    proxy.loseNext(lastTrip, 'answer', () => cancelExecution(sound(), owner, id, operation()))
    const sent = await claimOne()
    id = sent.id
    const given = { id, status: 'running', fence: 1, attempts: 1, completedAt: null }
    expect(await sent.given).toMatchObject({ value: { items: [given] } })
    expect(await getExecution(sound(), owner, id)).toMatchObject({
      value: { status: 'cancelled', fence: 2, attempts: 1 },
    })
  })

  test('a heartbeat that is sent again ends the lease when it says, though the claim gave a longer one', async () => {
    const { id } = await claimed()
    await listExecutions(store, owner, { statuses: [], limit: 1 })
    proxy.loseNext(1, 'request')
    const sent = { fence: 1, leaseUntil: after(1), ...operation() }
    expect(await renewLease(store, owner, id, sent)).toEqual({ ok: true, value: undefined })
    expect(await getExecution(sound(), owner, id)).toMatchObject({ value: { leaseUntil: after(1) } })
  })

  test('steps whose request is lost are not told as recorded by others of the same moment', async () => {
    const { id } = await claimed()
    await listExecutions(store, owner, { statuses: [], limit: 1 })
    const step = { key: 'done', output: documentOf('1'), error: null, attempt: null, startedAt: null }
    const failed = { ...step, key: 'failed', output: null, error: documentOf('{"code":"a"}') }
    const record = (over: Store, first: NewStep, ...more: readonly NewStep[]) =>
      recordSteps(over, owner, id, { fence: 1, steps: [first, ...more], leaseUntil: undefined, ...operation() })
    await record(sound(), step, failed)
    proxy.loseNext(1, 'request')
    expect(await record(store, { ...step, key: 'other' })).toMatchObject({
      value: { steps: [{ key: 'other', seq: 5 }] },
    })
    for (const other of [
      { ...step, output: documentOf('2') },
      { ...failed, error: documentOf('{"code":"b"}') },
    ]) {
      proxy.loseNext(1, 'request')
      await expect(record(store, other)).rejects.toMatchObject({ fault: 'database_unreachable' })
      expect(await record(store, other)).toEqual({ ok: false, refusal: 'step_recorded' })
    }
  })

  describe('a report of state whose answer is lost', () => {
    const report = (seconds: number, n: number) => ({
      ...({
        fence: 1,
        step: 'keep',
        dueAt: null,
        leaseUntil: undefined,
        state: documentOf(JSON.stringify({ n })),
      } as const),
      ...{ operation: randomUUID(), at: after(seconds) },
    })
    const stateOf = async (id: string) => {
      const found = await getExecution(sound(), owner, id)
      return found.ok ? found.value.state : found
    }

    /** Sends a report whose last round trip, which applies it, is lost. */
    async function losingAnswer(id: string, sent: ReturnType<typeof report>, meanwhile: () => Promise<unknown>) {
      const { id: other } = await claimed()
      await listExecutions(store, owner, { statuses: [], limit: 1 })
      proxy.loseNext(0, 'answer')
      await reportExecution(store, owner, other, report(2, 0))
      proxy.loseNext(proxy.seen(), 'answer', meanwhile)
      return reportExecution(store, owner, id, sent)
    }

    test.each([
      ['began later', 21],
      ['began earlier, and was done later', 19],
      ['began at the same moment', 20],
    ])('is not sent again over one that %s', async (_when, seconds) => {
      const { id } = await claimed()
      const lost = losingAnswer(id, report(20, 1), () => reportExecution(sound(), owner, id, report(seconds, 2)))
      await expect(lost).rejects.toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
      expect(await stateOf(id)).toBe('{"n":2}')
    })

    test('is not sent again where a heartbeat or a signal came in between', async () => {
      const { id } = await claimed()
      const lost = losingAnswer(id, report(20, 1), async () => {
        await reportExecution(sound(), owner, id, report(19, 2))
        await renewLease(sound(), owner, id, {
          fence: 1,
          leaseUntil: after(99),
          operation: randomUUID(),
          at: after(18),
        })
        await sendSignal(sound(), owner, id, { name: 'go', payload: null, operation: randomUUID(), at: after(17) })
      })
      await expect(lost).rejects.toMatchObject({ fault: 'database_unreachable' })
      expect(await stateOf(id)).toBe('{"n":2}')
    })

    test('is told as done where nothing came in between, and sent again where it was lost itself', async () => {
      const { id } = await claimed()
      expect(await losingAnswer(id, report(20, 1), () => Promise.resolve())).toMatchObject({
        value: { state: '{"n":1}' },
      })
      proxy.loseNext(1, 'request')
      expect(await reportExecution(store, owner, id, report(21, 2))).toMatchObject({ value: { state: '{"n":2}' } })
      const { id: fresh } = await claimed()
      proxy.loseNext(1, 'request')
      // Behind a claim alone no moment counts: nothing of this worker's is there yet.
      expect(await reportExecution(store, owner, fresh, report(0, 3))).toMatchObject({ value: { state: '{"n":3}' } })
    })
  })

  describe('a worker’s last word on an execution, where the connection breaks', () => {
    /** A batch that was lost may arrive late, but for one whose COMMIT nobody has sent. */
    async function isNotDone(lost: Promise<unknown>, refusal: string): Promise<void> {
      if (dialect === 'mysql') expect(await lost).toEqual({ ok: false, refusal })
      else await expect(lost).rejects.toMatchObject({ fault: 'database_unreachable', isNotApplied: false })
    }

    test('an end whose request is lost is not told as done by the end that another report made at the same moment', async () => {
      const { id } = await claimed()
      await listExecutions(store, owner, { statuses: [], limit: 1 })
      const end = { fence: 1, dueAt: null, leaseUntil: undefined } as const
      const failed = await reportExecution(sound(), owner, id, { ...end, step: 'fail', ...operation() })
      expect(failed).toMatchObject({ value: { status: 'failed' } })
      for (const step of ['complete', 'fail', 'pause', 'giveBack'] as const) {
        proxy.loseNext(1, 'request')
        await isNotDone(reportExecution(store, owner, id, { ...end, step, ...operation() }), 'invalid_transition')
      }
      const { id: paused } = await claimed()
      await reportExecution(sound(), owner, paused, { ...end, step: 'pause', ...operation() })
      proxy.loseNext(1, 'request')
      const again = reportExecution(store, owner, paused, { ...end, step: 'pause', ...operation() })
      await isNotDone(again, 'invalid_transition')
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
        await isNotDone(report(store, step, fence, seconds), 'fence_stale')
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
})
