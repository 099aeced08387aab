import type { UserCaller } from '@millrace/db/access/access'
import { listEntries } from '@millrace/db/repositories/executions/entries'
import { getExecution, type ExecutionView } from '@millrace/db/repositories/executions/executions'
import { sweepExecutions } from '@millrace/db/repositories/executions/sweep'
import { renewLease, reportExecution } from '@millrace/db/repositories/executions/work'
import type { Store } from '@millrace/db/store/store'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { after, claim, createUser, createWorkflow, startExecution } from './kit.ts'

const hold = () => ({ operation: randomUUID(), at: after(20) })

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let owner: UserCaller
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
    owner = await createUser(store)
  })
  afterAll(() => reached.stop())

  const get = async (id: string): Promise<ExecutionView> => {
    const found = await getExecution(store, owner, id)
    if (!found.ok) throw new Error(found.refusal)
    return found.value
  }
  const claimed = async (given: Parameters<typeof startExecution>[3]): Promise<string> => {
    const own = await createWorkflow(store, owner)
    const { id } = await startExecution(store, owner, own, given)
    expect(await claim(store, owner, { workflowIds: [own] })).toMatchObject([{ id, fence: 1 }])
    return id
  }
  const pause = (id: string, dueAt: Date | null) =>
    reportExecution(store, owner, id, { fence: 1, step: 'pause', dueAt, leaseUntil: undefined, ...hold() })
  const typesOf = async (id: string) => {
    const listed = await listEntries(store, owner, id, { of: 'history', afterSeq: 0, limit: 10 })
    return listed.ok ? listed.value.entries.map(({ type }) => type) : []
  }

  test('the sweep fails what is due with its attempts used up, each with its reason, and nothing else', async () => {
    const expired = await claimed({ maxAttempts: 1 })
    const left = await claimed({ maxAttempts: 2 })
    const paused = await claimed({ maxAttempts: 1 })
    await pause(paused, after(100))
    const waiting = await claimed({ maxAttempts: 1 })
    await pause(waiting, null)
    await sweepExecutions(store, { at: after(69), operation: randomUUID() })
    expect(await get(expired)).toMatchObject({ status: 'running' })
    await sweepExecutions(store, { at: after(100), operation: randomUUID() })
    const failed = { status: 'failed', leaseUntil: null, completedAt: after(100), fence: 1 }
    expect(await get(expired)).toMatchObject({ ...failed, error: expect.stringContaining('"lease_expired"') })
    expect(await get(paused)).toMatchObject({ ...failed, error: expect.stringContaining('"attempts_used_up"') })
    expect(await get(left)).toMatchObject({ status: 'running', error: null })
    expect(await get(waiting)).toMatchObject({ status: 'paused', error: null })
    expect(await sweepExecutions(store, { at: after(100), operation: randomUUID() })).toBe(0)
  })

  test('the sweep fails nothing that has changed since it looked, and writes no history of it', async () => {
    const at = after(100)
    // It was due before it was claimed: now its lease alone counts.
    const renewed = await claimed({ maxAttempts: 1, dueAt: after(5) })
    const [expired, paused] = [await claimed({ maxAttempts: 1 }), await claimed({ maxAttempts: 1 })]
    const workflowId = await createWorkflow(store, owner)
    const late = await startExecution(store, owner, workflowId, { maxAttempts: 1 })
    const looking: Store = {
      ...store,
      async read(query) {
        const rows = await store.read(query)
        await renewLease(store, owner, renewed, { fence: 1, leaseUntil: after(200), ...hold() })
        await pause(paused, after(50))
        await claim(store, owner, { workflowIds: [workflowId] })
        return rows
      },
    }
    expect(await sweepExecutions(looking, { at, operation: randomUUID() })).toBe(3)
    expect(await get(expired)).toMatchObject({ status: 'failed', completedAt: at })
    expect(await get(renewed)).toMatchObject({ status: 'running', leaseUntil: after(200) })
    expect(await get(paused)).toMatchObject({ status: 'paused', error: null })
    expect(await get(late.id)).toMatchObject({ status: 'running', error: null })
    expect(await typesOf(expired)).toEqual(['created', 'claimed', 'lease_expired', 'failed'])
    expect(await typesOf(renewed)).toEqual(['created', 'claimed'])
    expect(await sweepExecutions(store, { at, operation: randomUUID() })).toBe(2)
    expect(await get(paused)).toMatchObject({ error: expect.stringContaining('attempts_used_up') })
    expect(await get(late.id)).toMatchObject({ error: expect.stringContaining('lease_expired') })
    expect(await get(renewed)).toMatchObject({ status: 'running' })
  })
})
