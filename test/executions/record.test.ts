import { recordSteps, type NewStep } from '@millrace/db/repositories/executions/steps'
import { cancelExecution } from '@millrace/db/repositories/executions/control'
import { sendSignal } from '@millrace/db/repositories/executions/signals'
import { reportExecution } from '@millrace/db/repositories/executions/work'
import { getExecution } from '@millrace/db/repositories/executions/executions'
import type { Store } from '@millrace/db/store/store'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { after, claim, createUser, createWorkflow, documentOf, startExecution } from './kit.ts'

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let trips = 0
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store({ trip: () => (trips += 1) })
  })
  afterAll(() => reached.stop())

  async function running() {
    const owner = await createUser(store)
    const workflowId = await createWorkflow(store, owner)
    const { id } = await startExecution(store, owner, workflowId)
    await claim(store, owner, { at: after(1), leaseUntil: after(61) })
    return { owner, id, workflowId }
  }

  function step(key: string, output: string | null = '1', error: string | null = null): NewStep {
    return {
      key,
      output: output === null ? null : documentOf(output),
      error: error === null ? null : documentOf(error),
      attempt: null,
      startedAt: null,
    }
  }

  function recording(steps: readonly [NewStep, ...NewStep[]], given: { fence?: number; leaseUntil?: Date } = {}) {
    return { fence: 1, leaseUntil: undefined, operation: randomUUID(), at: after(2), steps, ...given }
  }

  async function historyOf(id: string) {
    const rows = await reached.raw.query(
      `select seq, type, key_ as k from (select seq, type, ${dialect === 'mysql' ? '`key`' : 'key'} as key_ from execution_history where execution_id = '${id}') h order by seq`,
    )
    return rows.map(({ seq, type, k }) => [Number(seq), type, k])
  }

  test('a step is one round trip and tells its place and the lease', async () => {
    const { owner, id } = await running()
    trips = 0
    const first = await recordSteps(store, owner, id, recording([step('a', '{ "n": 1.0 }')]))
    expect({ first, trips }).toEqual({
      first: { ok: true, value: { steps: [{ key: 'a', seq: 3 }], leaseUntil: after(61) } },
      trips: 1,
    })
    trips = 0
    const keys = Array.from({ length: 100 }, (_, index) => step(`k${index}`)) as [NewStep, ...NewStep[]]
    const many = await recordSteps(store, owner, id, recording(keys))
    expect(trips).toBe(1)
    expect(many).toEqual({
      ok: true,
      value: { steps: keys.map(({ key }, index) => ({ key, seq: 4 + index })), leaseUntil: after(61) },
    })
    expect((await historyOf(id)).map(([seq]) => seq)).toEqual(Array.from({ length: 103 }, (_, index) => index + 1))
  })

  test('the lease is renewed with the step', async () => {
    const { owner, id } = await running()
    const first = await recordSteps(store, owner, id, recording([step('a')], { leaseUntil: after(99) }))
    expect(first).toEqual({ ok: true, value: { steps: [{ key: 'a', seq: 3 }], leaseUntil: after(99) } })
    const again = await recordSteps(store, owner, id, recording([step('a')], { leaseUntil: after(120) }))
    expect(again).toEqual({ ok: true, value: { steps: [{ key: 'a', seq: 3 }], leaseUntil: after(120) } })
    expect(await getExecution(store, owner, id)).toMatchObject({ value: { leaseUntil: after(120) } })
  })

  test('a key that is there with the same text keeps its place, with another it is refused, and nothing is recorded', async () => {
    const { owner, id } = await running()
    await recordSteps(store, owner, id, recording([step('a'), step('b ')]))
    const same = await recordSteps(store, owner, id, recording([step('c'), step('b '), step('a'), step('c')]))
    const places = [5, 4, 3, 5].map((seq, at) => ({ key: ['c', 'b ', 'a', 'c'][at], seq }))
    expect(same).toMatchObject({ ok: true, value: { steps: places } })
    const other = await recordSteps(store, owner, id, recording([step('d'), step('a', '2')]))
    expect(other).toEqual({ ok: false, refusal: 'step_recorded' })
    const failed = await recordSteps(store, owner, id, recording([step('a', null, '1')]))
    expect(failed).toEqual({ ok: false, refusal: 'step_recorded' })
    const padded = await recordSteps(store, owner, id, recording([step('b', '7')]))
    expect(padded).toMatchObject({ ok: true, value: { steps: [{ key: 'b', seq: 6 }] } })
    const stale = await recordSteps(store, owner, id, recording([step('a', '2')], { fence: 0 }))
    expect(stale).toEqual({ ok: false, refusal: 'fence_stale' })
    expect((await historyOf(id)).map(([seq]) => seq)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('many at once, signals among them, leave a history without a gap', async () => {
    const { owner, id } = await running()
    const stores = Array.from({ length: 10 }, () => reached.database.store())
    await Promise.all(
      stores.flatMap((each, index) => [
        recordSteps(each, owner, id, recording([step(`a${index}`), step(`b${index}`)])).then((done) =>
          expect(done.ok).toBe(true),
        ),
        sendSignal(each, owner, id, { operation: randomUUID(), at: after(3), name: 'go', payload: null }).then((done) =>
          expect(done.ok).toBe(true),
        ),
        recordSteps(each, owner, id, recording([step('same')])).then((done) => expect(done.ok).toBe(true)),
      ]),
    )
    const history = await historyOf(id)
    expect(history.map(([seq]) => seq)).toEqual(Array.from({ length: 33 }, (_, index) => index + 1))
    const cancelled = await cancelExecution(store, owner, id, { operation: randomUUID(), at: after(4) })
    expect(cancelled).toMatchObject({ ok: true, value: { status: 'cancelled', fence: 2 } })
    const late = await recordSteps(store, owner, id, recording([step('late')]))
    expect(late).toEqual({ ok: false, refusal: 'fence_stale' })
    expect((await historyOf(id)).at(-1)).toEqual([34, 'cancelled', null])
  })

  test('a signal makes the one that waits for it pending, whichever comes first', async () => {
    for (const isFirst of [true, false]) {
      const { owner, id } = await running()
      const signal = () =>
        sendSignal(store, owner, id, { operation: randomUUID(), at: after(3), name: 'go ', payload: documentOf('1.0') })
      const wait = () =>
        reportExecution(store, owner, id, {
          fence: 1,
          step: 'pause',
          dueAt: after(500),
          waitFor: { names: ['other', 'go '], afterSeq: 0 },
          leaseUntil: undefined,
          operation: randomUUID(),
          at: after(4),
        })
      if (isFirst) {
        expect(await signal()).toEqual({ ok: true, value: { seq: 3 } })
        expect(await wait()).toMatchObject({ value: { status: 'pending', dueAt: null, waitFor: null } })
      } else {
        expect(await wait()).toMatchObject({ value: { status: 'paused', dueAt: after(500) } })
        expect(await signal()).toEqual({ ok: true, value: { seq: 4 } })
        expect(await getExecution(store, owner, id)).toMatchObject({ value: { status: 'pending', dueAt: null } })
      }
    }
  })
})
