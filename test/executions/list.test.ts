import type { UserCaller } from '@millrace/db/access/access'
import { listExecutions, type ExecutionListing } from '@millrace/db/repositories/executions/list'
import { cancelExecution } from '@millrace/db/repositories/executions/control'
import type { Store } from '@millrace/db/store/store'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { after, createUser, createWorkflow, documentOf, share, startExecution } from './kit.ts'

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
  })
  afterAll(() => reached.stop())

  async function list(caller: UserCaller, given: Partial<ExecutionListing> = {}) {
    const listed = await listExecutions(store, caller, { statuses: [], limit: 100, ...given })
    if (!listed.ok) throw new Error(listed.refusal)
    return listed.value.rows
  }
  const ids = async (caller: UserCaller, given: Partial<ExecutionListing> = {}) =>
    (await list(caller, given)).map(({ id }) => id)

  test('shows executions of own and shared workflows and those one started, each once, newest first', async () => {
    const [me, other] = [await createUser(store), await createUser(store)]
    const [mine, shared, left, foreign] = [
      await createWorkflow(store, me),
      await createWorkflow(store, other),
      await createWorkflow(store, other),
      await createWorkflow(store, other),
    ]
    await share(reached, shared, me, 'execute')
    await share(reached, left, me, 'execute')
    const own = await startExecution(store, me, mine, { createdAt: after(1) })
    const onShared = await startExecution(store, me, shared, { createdAt: after(2) })
    const byOther = await startExecution(store, other, shared, { createdAt: after(3) })
    const started = await startExecution(store, me, left, { createdAt: after(4) })
    await startExecution(store, other, left, { createdAt: after(5) })
    await startExecution(store, other, foreign, { createdAt: after(6) })
    await reached.raw.query(`delete from workflow_shares where workflow_id = '${left}'`)
    expect(await ids(me)).toEqual([started, byOther, onShared, own].map(({ id }) => id))
    expect(await ids(me, { workflowId: left })).toEqual([started.id])
    expect(await ids(me, { workflowId: shared })).toEqual([byOther.id, onShared.id])
    expect(await ids(me, { workflowId: foreign })).toEqual([])
    const administrator = await createUser(store, 'admin')
    expect(await ids(administrator, { workflowId: foreign })).toHaveLength(1)
    expect((await ids(administrator)).filter((id) => id === started.id)).toHaveLength(1)
    expect(await ids({ ...administrator, mayAdminister: false })).toEqual([])
  })

  test('items are as the execution itself, without input and state', async () => {
    const me = await createUser(store)
    const workflowId = await createWorkflow(store, me)
    const { input, state, ...summary } = await startExecution(store, me, workflowId, { input: documentOf('{"a":1}') })
    expect({ input, state }).toEqual({ input: '{"a":1}', state: null })
    expect(await list(me)).toEqual([summary])
  })

  test('filters by statuses, workflow, and createdAt from since up to until', async () => {
    const me = await createUser(store)
    const [one, two] = [await createWorkflow(store, me), await createWorkflow(store, me)]
    const made: string[] = []
    for (let second = 1; second <= 4; second += 1) {
      const { id } = await startExecution(store, me, second % 2 === 0 ? one : two, { createdAt: after(second) })
      made.push(id)
    }
    const [first, second, third, fourth] = made
    await cancelExecution(store, me, third ?? '', { operation: randomUUID(), at: after(9) })
    expect(await ids(me, { since: after(2), until: after(4) })).toEqual([third, second])
    expect(await ids(me, { statuses: ['pending'] })).toEqual([fourth, second, first])
    expect(await ids(me, { statuses: ['cancelled', 'failed'] })).toEqual([third])
    expect(await ids(me, { statuses: ['pending', 'cancelled'], workflowId: two })).toEqual([third, first])
  })

  test('pages skip nothing and repeat nothing, with equal times, new ones and changes between them', async () => {
    const me = await createUser(store)
    const workflowId = await createWorkflow(store, me)
    const made = []
    for (let count = 0; count < 9; count += 1) {
      made.push(await startExecution(store, me, workflowId, { createdAt: after(Math.floor(count / 4)) }))
    }
    const seen: string[] = []
    let position: ExecutionListing['after']
    for (;;) {
      const rows = await list(me, { limit: 2, after: position })
      expect(rows.length).toBeLessThanOrEqual(3)
      const page = rows.slice(0, 2)
      seen.push(...page.map(({ id }) => id))
      const last = page.at(-1)
      if (rows.length <= 2 || last === undefined) break
      position = { at: last.createdAt, id: last.id }
      await startExecution(store, me, workflowId, { createdAt: after(50) })
      await cancelExecution(store, me, last.id, { operation: randomUUID(), at: after(60) })
    }
    const newestFirst = made.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1))
    expect(seen).toEqual(newestFirst.map(({ id }) => id))
  })

  test('a list takes one round trip, and tells a caller without standing so', async () => {
    const me = await createUser(store)
    let trips = 0
    const observed = reached.database.store({ trip: () => (trips += 1) })
    expect(await listExecutions(observed, me, { statuses: [], limit: 1 })).toEqual({
      ok: true,
      value: { rows: [], isCut: false },
    })
    expect(trips).toBe(1)
    expect(await listExecutions(store, { ...me, issuedAt: after(-9) }, { statuses: [], limit: 1 })).toEqual({
      ok: false,
      refusal: 'unauthenticated',
    })
  })
})
