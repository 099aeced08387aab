import type { UserCaller } from '@millrace/db/access/access'
import { claimExecutions } from '@millrace/db/repositories/executions/claim'
import { cancelExecution } from '@millrace/db/repositories/executions/control'
import { getExecution } from '@millrace/db/repositories/executions/executions'
import { reportExecution } from '@millrace/db/repositories/executions/work'
import { databaseError } from '@millrace/db/sql/errors'
import type { Store } from '@millrace/db/store/store'
import { openDatabase } from '@millrace/drivers/open'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest, testWhere } from '../dialects.ts'
import { watchedStore } from '../watched-store.ts'
import { after, claim, claimOf, createUser, createWorkflow, startExecution } from './kit.ts'

/*
 * A process that has just been given an execution of a workflow takes the next one from the head of its queue, on PostgreSQL by a smaller
 * statement. What it gives is what any claim gives.
 */

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let owner: UserCaller
  let workflowId: string
  const sent: string[] = []
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store({ trip: (_milliseconds, text) => void sent.push(text) })
  })
  afterAll(() => reached.stop())
  beforeEach(async () => {
    owner = await createUser(store)
    workflowId = await createWorkflow(store, owner)
  })

  const claimOne = (given: Parameters<typeof claim>[2] = {}) =>
    claim(store, owner, { workflowIds: [workflowId], ...given })

  async function makeMany(count: number, from = 0): Promise<readonly string[]> {
    const ids: string[] = []
    for (let made = 0; made < count; made += 1) {
      ids.push((await startExecution(store, owner, workflowId, { createdAt: after(from + made / 1000) })).id)
    }
    return ids
  }

  /** One claim more, by which the process knows what the workflow has. */
  async function makeManyBehindOne(count: number): Promise<readonly string[]> {
    const [first, ...others] = await makeMany(count + 1)
    expect((await claimOne()).map(({ id }) => id)).toEqual([first])
    sent.length = 0
    return others
  }

  const wereHeads = () => sent.map((text) => text.includes('head as materialized'))
  const isHeadOnPostgres = dialect === 'postgres'

  test('the next of a queue is given like the first: with its definition, its new fence and its entry, in one round trip', async () => {
    const [next = ''] = await makeManyBehindOne(2)
    // What is due in another workflow is no matter of this queue.
    await startExecution(store, owner, await createWorkflow(store, owner), { dueAt: after(1) })
    sent.length = 0
    const [given, ...others] = await claimOne({ worker: 'the next' })
    expect(others).toEqual([])
    expect(given).toMatchObject({
      id: next,
      definition: '{}',
      status: 'running',
      attempts: 1,
      fence: 1,
      leaseUntil: after(70),
      startedAt: after(10),
      updatedAt: after(10),
    })
    if (isHeadOnPostgres) expect(wereHeads()).toEqual([true])
    const entries = await reached.raw.query(
      `select type, worker, fence, actor, seq from execution_history where execution_id = '${next}' order by seq`,
    )
    expect(entries.map((entry) => ({ ...entry, seq: Number(entry['seq']), fence: Number(entry['fence']) }))).toEqual([
      expect.objectContaining({ type: 'created', seq: 1 }),
      { type: 'claimed', worker: 'the next', fence: 1, actor: owner.userId, seq: 2 },
    ])
  })

  test('what comes due beside the queue is given in its own place, be it delayed, paused or without its lease', async () => {
    const [first, second, third, fourth] = await makeMany(4, 5)
    const taken = async (given: Parameters<typeof claimOne>[0] = {}) => (await claimOne(given)).map(({ id }) => id)
    expect(await taken()).toEqual([first])
    const delayed = await startExecution(store, owner, workflowId, { dueAt: after(4), createdAt: after(1) })
    expect(await taken()).toEqual([delayed.id])
    expect(await taken()).toEqual([second])
    const report = { fence: 1, step: 'pause', dueAt: after(3), leaseUntil: undefined } as const
    await reportExecution(store, owner, delayed.id, { ...report, operation: randomUUID(), at: after(11) })
    expect(await taken({ at: after(12) })).toEqual([delayed.id])
    expect(await taken({ at: after(13), leaseUntil: after(14) })).toEqual([third])
    const last = await startExecution(store, owner, workflowId, { createdAt: after(15) })
    expect(await taken({ at: after(16) })).toEqual([fourth])
    expect((await claimOne({ at: after(16) })).map(({ id, fence }) => [id, fence])).toEqual([[third, 2]])
    expect(await taken({ at: after(16) })).toEqual([last.id])
    expect(await taken({ at: after(16) })).toEqual([])
  })

  test('one at the head that has its attempts used up fails, and the one behind it is given', async () => {
    const [head = '', next = ''] = await makeManyBehindOne(2)
    await reached.raw.query(`update executions set attempts = max_attempts where id = '${head}'`)
    expect((await claimOne()).map(({ id }) => id)).toEqual([next])
    const failed = await getExecution(store, owner, head)
    expect(failed).toMatchObject({ ok: true, value: { status: 'failed', attempts: 3 } })
  })

  test('of a workflow whose queue one user has begun another user is given nothing, nor one that is disabled, nor anybody in a restore', async () => {
    const [next = ''] = await makeManyBehindOne(2)
    const stranger = await createUser(store)
    await createWorkflow(store, stranger)
    expect(await claim(store, stranger, { workflowIds: [workflowId] })).toEqual([])
    // The stranger's claim was given nothing, so the process is to learn of the queue again.
    const [, last = ''] = [await claimOne(), ...(await makeMany(2, 1))]
    const one = claimOf({ workflowIds: [workflowId] })
    expect(await claimExecutions(store, { ...owner, issuedAt: after(-3600) }, one)).toEqual({
      ok: false,
      refusal: 'unauthenticated',
    })
    await claimOne()
    await reached.raw.query(`update marks set value = 'a restore' where name = 'restore'`)
    await expect(claimExecutions(store, owner, one)).rejects.toThrow()
    await reached.raw.query(`update marks set value = null where name = 'restore'`)
    await reached.raw.query(`update users set disabled_at = created_at where id = '${owner.userId}'`)
    expect(await claimExecutions(store, owner, one)).toEqual({ ok: false, refusal: 'account_disabled' })
    await reached.raw.query(`update users set disabled_at = null where id = '${owner.userId}'`)
    expect(await getExecution(store, owner, last)).toMatchObject({
      ok: true,
      value: { status: 'pending', attempts: 0 },
    })
    expect(next).not.toBe(last)
  })

  test('a lost answer is looked up, and gives the same execution; the next one stays in the queue', async () => {
    const [first, second, third] = await makeMany(3)
    let losesAnswer = false
    let losses = 0
    const losing = watchedStore(reached.database.transport(), {
      batch() {
        if (!losesAnswer) return
        losesAnswer = false
        losses += 1
        throw databaseError('database_unreachable', 'the answer is lost', { isNotApplied: false })
      },
    })
    const takenBy = async () => (await claim(losing, owner, { workflowIds: [workflowId] })).map(({ id }) => id)
    expect(await takenBy()).toEqual([first])
    losesAnswer = true
    expect(await takenBy()).toEqual([second])
    expect(losses).toBe(1)
    expect(await getExecution(store, owner, third ?? '')).toMatchObject({ ok: true, value: { status: 'pending' } })
    expect(await takenBy()).toEqual([third])
    expect(await takenBy()).toEqual([])
  })

  // On MySQL the look-up waits for the first instead.
  testWhere(dialect !== 'mysql', 'a claim that arrives twice is given the same, and nothing more', async () => {
    const [next, last = ''] = await makeManyBehindOne(2)
    const one = claimOf({ workflowIds: [workflowId] })
    const first = await claimExecutions(store, owner, one)
    expect(first).toMatchObject({ value: { items: [{ id: next, fence: 1 }] } })
    expect(await claimExecutions(store, owner, one)).toEqual(first)
    expect(await getExecution(store, owner, last)).toMatchObject({ value: { status: 'pending' } })
  })

  test('workers of several processes share a queue whose executions are cancelled meanwhile: each is given once', async () => {
    const ids = await makeMany(60)
    const databases = await Promise.all(
      Array.from({ length: 6 }, () => openDatabase({ target: reached.target, gatewayUrl: reached.gateway.url })),
    )
    const given: string[] = []
    const work = async (each: Store) => {
      for (let taken = await one(each); taken.length > 0; taken = await one(each)) given.push(...taken)
    }
    const one = async (each: Store) => (await claim(each, owner, { workflowIds: [workflowId] })).map(({ id }) => id)
    const cancelled = ids.filter((_, place) => place % 4 === 3)
    const cancels = async () => {
      for (const id of cancelled) {
        await cancelExecution(store, owner, id, { operation: randomUUID(), at: after(11) })
      }
    }
    await Promise.all([...databases.map((database) => work(database.store())), cancels()])
    expect(new Set(given).size).toBe(given.length)
    const counted = await reached.raw.query(
      `select execution_id as id, count(*) as claims from execution_history where type = 'claimed' group by execution_id`,
    )
    const claims = new Map(counted.map(({ id, claims: count }) => [String(id), Number(count)]))
    for (const id of ids) expect(claims.get(id) ?? 0, id).toBe(given.includes(id) ? 1 : 0)
    for (const id of ids) expect(given.includes(id) || cancelled.includes(id), id).toBe(true)
  })
})
