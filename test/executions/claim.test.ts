import type { UserCaller } from '@millrace/db/access/access'
import { claimExecutions } from '@millrace/db/repositories/executions/claim'
import { listEntries } from '@millrace/db/repositories/executions/entries'
import { getExecution } from '@millrace/db/repositories/executions/executions'
import { renewLease, reportExecution } from '@millrace/db/repositories/executions/work'
import { patchWorkflow } from '@millrace/db/repositories/workflows/patch'
import type { Store } from '@millrace/db/store/store'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { generatedRows } from '../generated-rows.ts'
import {
  after,
  claim,
  claimOf,
  createUser,
  createWorkflow,
  documentOf,
  start,
  startExecution,
  ownerWithWorkflow,
} from './kit.ts'

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
  })
  afterAll(() => reached.stop())

  async function get(caller: UserCaller, id: string) {
    const found = await getExecution(store, caller, id)
    if (!found.ok) throw new Error(found.refusal)
    return found.value
  }

  test('a claim gives the execution with its definition, running under a new fence', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store, '{ "a" : 1.0 }')
    const made = await startExecution(store, owner, workflowId, { input: documentOf('{"n": 1e400}') })
    expect(made).toMatchObject({ status: 'pending', attempts: 0, fence: 0, dueAt: null, versionNumber: 1 })
    const [claimed, ...others] = await claim(store, owner, { limit: 5 })
    expect(others).toEqual([])
    expect(claimed).toEqual({
      ...made,
      definition: '{ "a" : 1.0 }',
      status: 'running',
      attempts: 1,
      fence: 1,
      leaseUntil: after(70),
      startedAt: after(10),
      updatedAt: after(10),
    })
    expect(await claim(store, owner)).toEqual([])
  })

  test('each comes with the definition of its own version', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store, '{"version":1}')
    const first = await startExecution(store, owner, workflowId)
    await patchWorkflow(store, owner, workflowId, {
      change: { definition: documentOf('{"version":2}') },
      ifRevision: 'any',
      versionId: randomUUID(),
      operation: randomUUID(),
      at: after(1),
    })
    const second = await startExecution(store, owner, workflowId, { createdAt: after(2) })
    const claimed = await claim(store, owner, { limit: 5 })
    expect(claimed.map(({ id, definition }) => [id, definition])).toEqual([
      [first.id, '{"version":1}'],
      [second.id, '{"version":2}'],
    ])
  })

  test('claims go by dueAt, else by the lease that ran out, else by createdAt, then by id', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    const make = (given: Parameters<typeof startExecution>[3]) => startExecution(store, owner, workflowId, given)
    const expired = await make({ createdAt: after(-500) })
    await claim(store, owner, { at: after(-400), leaseUntil: after(5) })
    const expiredDue = await make({ createdAt: after(-500), dueAt: after(4) })
    await claim(store, owner, { at: after(4), leaseUntil: after(5) })
    const paused = await make({ createdAt: after(-100) })
    const second = await make({ id: `b-${randomUUID()}`, createdAt: after(1) })
    const first = await make({ id: `a-${randomUUID()}`, createdAt: after(1) })
    const due = await make({ createdAt: after(-9), dueAt: after(2) })
    const future = await make({ createdAt: after(-9), dueAt: after(1000) })
    // `paused` is claimed alone, as the only one that is due then.
    const [held] = await claim(store, owner, { at: after(-50), leaseUntil: after(-40) })
    expect(held?.id).toBe(paused.id)
    await reportExecution(store, owner, paused.id, {
      fence: 1,
      step: 'pause',
      dueAt: after(6),
      leaseUntil: undefined,
      operation: randomUUID(),
      at: after(-45),
    })
    const claimed = await claim(store, owner, { limit: 50, at: after(10) })
    const expected = [first, second, due, expiredDue, expired, paused].map(({ id }) => id)
    expect(claimed.map(({ id }) => id)).toEqual(expected)
    expect(await get(owner, future.id)).toMatchObject({ status: 'pending', attempts: 0 })
  })

  test('what lost its lease is found once, however many of others have lost theirs longer', async () => {
    const theirs = await ownerWithWorkflow(store)
    const { owner, workflowId } = await ownerWithWorkflow(store)
    const { numbers, moment, text } = generatedRows[dialect]
    const [long, created] = [moment(start.getTime() - 5_000_000, 'i'), moment(start.getTime(), '0')]
    const made: string[] = []
    for (const leaseSeconds of [-6000, 3, 2, 1, 0, 9000]) {
      const { id } = await startExecution(store, owner, workflowId, { createdAt: after(-9000) })
      await claim(store, owner, { at: after(-8000), leaseUntil: after(leaseSeconds) })
      made.push(id)
    }
    const [longest, third, second, first, without, live] = made
    await reached.raw.query(`update executions set lease_until = null where id = '${without}'`)
    const lost = ['lost', workflowId.slice(0, 8), ''].join('-')
    await reached.raw.query(
      `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, lease_until, created_at, updated_at) select ${text(lost, 'i')}, '${theirs.workflowId}', '${theirs.owner.userId}', 'running', 1, 1, 3, 1, ${long}, ${created}, ${created} from ${numbers(1, 150)}`,
    )
    // More than a claim looks at, which were due before all of these, and are leased.
    const leased = ['leased', workflowId.slice(0, 8), ''].join('-')
    await reached.raw.query(
      `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, due_at, lease_until, created_at, updated_at) select ${text(leased, 'i')}, '${workflowId}', '${owner.userId}', 'running', 1, 1, 3, 1, ${long}, ${moment(start.getTime(), '9000')}, ${created}, ${created} from ${numbers(1, 160)}`,
    )
    // As a worker's key: what administrators look for besides would tell what is found twice.
    const worker = { ...owner, mayAdminister: false }
    const claimed = await claim(store, worker, { limit: 5, at: after(10) })
    expect(claimed.map(({ id }) => id)).toEqual([without, longest, first, second, third])
    expect(await get(owner, live ?? '')).toMatchObject({ status: 'running', attempts: 1 })
    await reached.raw.query(`delete from executions where id like '${lost}%'`)
  })

  test('a claim reaches the own workflows only, all with the admin role, and of those the ones that it names', async () => {
    const mine = await ownerWithWorkflow(store)
    const theirs = await ownerWithWorkflow(store)
    const secondId = await createWorkflow(store, mine.owner)
    const one = await startExecution(store, mine.owner, mine.workflowId)
    const two = await startExecution(store, mine.owner, secondId)
    const other = await startExecution(store, theirs.owner, theirs.workflowId)
    const ids = async (caller: UserCaller, workflowIds?: readonly string[]) =>
      (await claim(store, caller, { limit: 50, workflowIds })).map(({ id }) => id)
    expect(await ids(mine.owner, [theirs.workflowId])).toEqual([])
    expect(await ids(mine.owner, [secondId, theirs.workflowId])).toEqual([two.id])
    const administrator = await createUser(store, 'admin')
    const withoutScope = { ...administrator, mayAdminister: false }
    expect(await ids(withoutScope, [theirs.workflowId])).toEqual([])
    expect(await ids(administrator, [theirs.workflowId])).toEqual([other.id])
    expect(await ids(mine.owner)).toEqual([one.id])
  })

  test('an administrator gets each once, its own among them', async () => {
    const administrator = await createUser(store, 'admin')
    const own = await createWorkflow(store, administrator)
    const { owner, workflowId } = await ownerWithWorkflow(store)
    const first = await startExecution(store, administrator, own)
    const second = await startExecution(store, owner, workflowId)
    const claimed = await claim(store, administrator, { limit: 50, workflowIds: [own, workflowId] })
    expect(claimed.map(({ id }) => id).toSorted()).toEqual([first.id, second.id].toSorted())
    expect(new Set(claimed.map(({ fence }) => fence))).toEqual(new Set([1]))
  })

  test('used up ones that a claim meets fail, each with its reason, and do not count against the limit', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    const make = (given: Parameters<typeof startExecution>[3]) => startExecution(store, owner, workflowId, given)
    const expired = await make({ maxAttempts: 1, createdAt: after(-20) })
    await claim(store, owner, { at: after(-20), leaseUntil: after(-10) })
    const paused = await make({ maxAttempts: 1, createdAt: after(-10) })
    await claim(store, owner, { at: after(-10), leaseUntil: after(60), workflowIds: [workflowId], limit: 1 })
    expect(await get(owner, expired.id)).toMatchObject({ status: 'failed', completedAt: after(-10) })
    await reportExecution(store, owner, paused.id, {
      fence: 1,
      step: 'pause',
      dueAt: after(1),
      leaseUntil: undefined,
      operation: randomUUID(),
      at: after(-9),
    })
    const good = await make({ createdAt: after(5) })
    const claimed = await claim(store, owner, { limit: 1, at: after(10) })
    expect(claimed.map(({ id }) => id)).toEqual([good.id])
    const failed = { status: 'failed', attempts: 1, fence: 1, leaseUntil: null, completedAt: after(10) }
    expect(await get(owner, paused.id)).toMatchObject(failed)
    const errors = await Promise.all([expired.id, paused.id].map(async (id) => (await get(owner, id)).error))
    expect(errors).toEqual([
      expect.stringContaining('"code":"lease_expired"'),
      expect.stringContaining('"code":"attempts_used_up"'),
    ])
  })

  test('hundreds of used up ones do not hide what is due behind them', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    for (let batch = 0; batch < 5; batch += 1) {
      await Promise.all(Array.from({ length: 50 }, () => startExecution(store, owner, workflowId, { maxAttempts: 1 })))
    }
    for (let taken = 0; taken < 250; taken += 50) {
      expect(await claim(store, owner, { limit: 50, at: after(1), leaseUntil: after(2) })).toHaveLength(50)
    }
    const good = await startExecution(store, owner, workflowId, { createdAt: after(9) })
    expect((await claim(store, owner, { at: after(10) })).map(({ id }) => id)).toEqual([good.id])
  })

  test('what is not due yet, or held under a lease, does not hide what is due behind it', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    // More than a claim looks at.
    const many = (given: Parameters<typeof startExecution>[3]) =>
      Promise.all(Array.from({ length: 105 }, () => startExecution(store, owner, workflowId, given)))
    await many({ dueAt: after(1) })
    for (let taken = 0; taken < 105; taken += 35) {
      await claim(store, owner, { limit: 35, at: after(2), leaseUntil: after(1000) })
    }
    await many({ dueAt: after(1000) })
    const expired = await startExecution(store, owner, workflowId, { createdAt: after(3) })
    await claim(store, owner, { at: after(4), leaseUntil: after(5) })
    const pending = await startExecution(store, owner, workflowId, { createdAt: after(9) })
    const due = async () => (await claim(store, owner, { at: after(10) })).map(({ id }) => id)
    expect([await due(), await due(), await due()]).toEqual([[expired.id], [pending.id], []])
  })

  test('neither does what is everyone’s hide it from an administrator', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    const administrator = await createUser(store, 'admin')
    const { numbers, moment, text } = generatedRows[dialect]
    const [created, later] = [moment(start.getTime(), '0'), moment(start.getTime(), '1000')]
    // More than a claim looks at.
    for (const [status, column] of [
      ['pending', 'due_at'],
      ['running', 'lease_until'],
    ] as const) {
      const id = [status, workflowId.slice(0, 8), ''].join('-')
      await reached.raw.query(
        `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, ${column}, created_at, updated_at) select ${text(id, 'i')}, '${workflowId}', '${owner.userId}', '${status}', 1, 1, 3, 1, ${later}, ${created}, ${created} from ${numbers(1, 105)}`,
      )
    }
    const { id } = await startExecution(store, owner, workflowId, { createdAt: after(9) })
    const due = async () =>
      (await claim(store, administrator, { at: after(10), workflowIds: [workflowId] })).map((item) => item.id)
    expect([await due(), await due()]).toEqual([[id], []])
    const history = await listEntries(store, owner, id, { of: 'history', afterSeq: 0, limit: 10 })
    expect(history.ok && history.value.entries.map(({ type }) => type)).toEqual(['created', 'claimed'])
  })

  test('a claim ends at 8 MiB of documents, costs the rest no attempt, and always gives one', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store, `{"d":"${'é'.repeat(500_000)}"}`)
    const input = documentOf(`"${'x'.repeat(1_000_000)}"`)
    for (let count = 0; count < 5; count += 1) {
      await startExecution(store, owner, workflowId, { input, createdAt: after(count) })
    }
    const claimed = await claim(store, owner, { limit: 50 })
    expect(claimed).toHaveLength(4)
    const rest = await claim(store, owner, { limit: 50 })
    expect(rest.map(({ attempts, fence }) => ({ attempts, fence }))).toEqual([{ attempts: 1, fence: 1 }])
  })

  test('a lease that has run out can be claimed again, and the fence shuts the first worker out', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    const { id } = await startExecution(store, owner, workflowId)
    await claim(store, owner, { at: after(1), leaseUntil: after(10) })
    expect(await claim(store, owner, { at: after(9.999) })).toEqual([])
    const hold = { fence: 1, operation: randomUUID(), at: after(10) }
    // Until another claim the worker may still write.
    expect(await renewLease(store, owner, id, { ...hold, leaseUntil: after(20) })).toEqual({
      ok: true,
      value: undefined,
    })
    expect(await claim(store, owner, { at: after(15) })).toEqual([])
    const [again] = await claim(store, owner, { at: after(20), leaseUntil: after(80) })
    expect(again).toMatchObject({ id, fence: 2, attempts: 2, startedAt: after(1) })
    const late = await renewLease(store, owner, id, { ...hold, operation: randomUUID(), leaseUntil: after(90) })
    expect(late).toEqual({ ok: false, refusal: 'fence_stale' })
    expect(await get(owner, id)).toMatchObject({ fence: 2, leaseUntil: after(80) })
  })

  test('after a restore, which brings no leases, what was running can be claimed at once', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    const [first, last] = [
      await startExecution(store, owner, workflowId),
      await startExecution(store, owner, workflowId, { maxAttempts: 1, createdAt: after(1) }),
    ]
    await claim(store, owner, { limit: 2, leaseUntil: after(9999) })
    await reached.raw.query(`update executions set lease_until = null where workflow_id = '${workflowId}'`)
    expect((await claim(store, owner, { limit: 2 })).map(({ id, fence }) => ({ id, fence }))).toEqual([
      { id: first.id, fence: 2 },
    ])
    expect(await get(owner, last.id)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('"lease_expired"'),
    })
  })

  test('a disabled or unknown caller claims nothing', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    const { id } = await startExecution(store, owner, workflowId)
    const late = { ...owner, issuedAt: after(-5) }
    expect(await claimExecutions(store, late, claimOf())).toEqual({ ok: false, refusal: 'unauthenticated' })
    expect(await get(owner, id)).toMatchObject({ status: 'pending', attempts: 0 })
  })

  describe('trips', () => {
    test('a claim takes one round trip, five on MySQL, however many it gives, and four where nothing is due', async () => {
      const { owner, workflowId } = await ownerWithWorkflow(store)
      for (let count = 0; count < 21; count += 1) await startExecution(store, owner, workflowId)
      const tripsOf = async (limit: number) => {
        let trips = 0
        const observed = reached.database.store({ trip: () => (trips += 1) })
        const claimed = await claim(observed, owner, { limit })
        return { trips, count: claimed.length }
      }
      const trips = dialect === 'mysql' ? 5 : 1
      expect(await tripsOf(1)).toEqual({ trips, count: 1 })
      expect(await tripsOf(20)).toEqual({ trips, count: 20 })
      expect(await tripsOf(20)).toEqual({ trips: dialect === 'mysql' ? 4 : 1, count: 0 })
    })
  })
})
