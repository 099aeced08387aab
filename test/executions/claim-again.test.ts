import type { UserCaller } from '@millrace/db/access/access'
import { claimExecutions } from '@millrace/db/repositories/executions/claim'
import { cancelExecution } from '@millrace/db/repositories/executions/control'
import { listEntries } from '@millrace/db/repositories/executions/entries'
import { renewLease } from '@millrace/db/repositories/executions/work'
import type { Store } from '@millrace/db/store/store'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { generatedRows } from '../generated-rows.ts'
import { after, claim, claimOf, createUser, createWorkflow, startExecution, ownerWithWorkflow } from './kit.ts'

/* Claims under a key, and claims that are sent more than once. */

const underKey = () => ({
  key: randomUUID(),
  fingerprint: 'f',
  at: after(10),
  head: { status: 200, headers: {} },
})

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
  })
  afterAll(() => reached.stop())

  async function typesOf(owner: UserCaller, id: string) {
    const listed = await listEntries(store, owner, id, { of: 'history', afterSeq: 0, limit: 10 })
    return listed.ok ? listed.value.entries.map(({ type }) => type) : []
  }

  /** An execution whose one attempt is over, and its lease as well. */
  async function usedUp(owner: UserCaller, workflowId: string): Promise<string> {
    const { id } = await startExecution(store, owner, workflowId, { maxAttempts: 1, createdAt: after(-20) })
    await claim(store, owner, { workflowIds: [workflowId], at: after(-20), leaseUntil: after(-10) })
    return id
  }

  test('a replayed claim gives the same leases while they last, and no others', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    for (let count = 0; count < 5; count += 1)
      await startExecution(store, owner, workflowId, { createdAt: after(count) })
    // Another worker's lease, of the same length.
    expect(await claim(store, owner)).toHaveLength(1)
    const request = underKey()
    const first = await claimExecutions(store, owner, claimOf({ limit: 3 }), request)
    if (!first.ok) throw new Error(first.refusal)
    expect(first.value).toMatchObject({ isReplayed: false, items: [{}, {}, {}] })
    const replay = async (at: Date) => {
      const again = await claimExecutions(store, owner, claimOf({ limit: 3, at }), { ...request, at })
      if (!again.ok) throw new Error(again.refusal)
      return again.value
    }
    expect(await replay(after(11))).toEqual({ isReplayed: true, items: first.value.items })
    const [one, two] = first.value.items
    await cancelExecution(store, owner, one?.id ?? '', { operation: randomUUID(), at: after(12) })
    await renewLease(store, owner, two?.id ?? '', {
      fence: 1,
      leaseUntil: after(500),
      operation: randomUUID(),
      at: after(12),
    })
    expect((await replay(after(13))).items.map(({ id }) => id)).toEqual(first.value.items.slice(1).map(({ id }) => id))
    expect((await replay(after(100))).items.map(({ id, leaseUntil }) => ({ id, leaseUntil }))).toEqual([
      { id: two?.id, leaseUntil: after(500) },
    ])
    const other = await claimExecutions(store, owner, claimOf(), { ...request, fingerprint: 'g' })
    expect(other).toEqual({ ok: false, refusal: 'idempotency_key_reused' })
    expect(await claim(store, owner, { limit: 50, at: after(20) })).toHaveLength(1)
  })

  test('a replayed claim gives nothing of a workflow that another owns since', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    const kept = await createWorkflow(store, owner)
    const { id } = await startExecution(store, owner, kept)
    await startExecution(store, owner, workflowId)
    const request = underKey()
    const claimed = () => claimExecutions(store, owner, claimOf({ limit: 2 }), request)
    expect(await claimed()).toMatchObject({ value: { isReplayed: false, items: [{}, {}] } })
    const other = await createUser(store)
    await reached.raw.query(`update workflows set owner_id = '${other.userId}' where id = '${workflowId}'`)
    expect(await claimed()).toMatchObject({ value: { isReplayed: true, items: [{ id }] } })
  })

  test('a claim under a key that first meets used up ones alone keeps what it is given then', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    // More than a claim looks at first.
    for (let count = 0; count < 25; count += 1) {
      await startExecution(store, owner, workflowId, { maxAttempts: 1, createdAt: after(-20) })
    }
    await claim(store, owner, { limit: 50, at: after(-20), leaseUntil: after(-10) })
    const { id } = await startExecution(store, owner, workflowId)
    const request = underKey()
    const claimed = () => claimExecutions(store, owner, claimOf(), request)
    expect(await claimed()).toMatchObject({ value: { isReplayed: false, items: [{ id }] } })
    expect(await claimed()).toMatchObject({ value: { isReplayed: true, items: [{ id }] } })
  })

  test('a claim that arrives twice takes what is there once, and writes its history once', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    const spent = await usedUp(owner, workflowId)
    const { id } = await startExecution(store, owner, workflowId)
    const sent = claimOf()
    expect(await claimExecutions(store, owner, sent)).toMatchObject({ value: { items: [{ id, fence: 1 }] } })
    expect(await claimExecutions(store, owner, sent)).toMatchObject({ ok: true })
    expect(await typesOf(owner, id)).toEqual(['created', 'claimed'])
    expect(await typesOf(owner, spent)).toEqual(['created', 'claimed', 'lease_expired', 'failed'])
  })

  test('a claim writes the history of what it fails itself, not of what another failed at the same moment', async () => {
    const { owner, workflowId } = await ownerWithWorkflow(store)
    const spent = await usedUp(owner, workflowId)
    // As adoption leaves one: without a history.
    const { moment } = generatedRows[dialect]
    const adopted = randomUUID()
    const at = moment(after(10).getTime(), '0')
    await reached.raw.query(
      `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, created_at, updated_at, completed_at, last_seq) values ('${adopted}', '${workflowId}', '${owner.userId}', 'failed', 1, 1, 3, 1, ${at}, ${at}, ${at}, 1)`,
    )
    expect(await claim(store, owner)).toEqual([])
    expect(await typesOf(owner, spent)).toEqual(['created', 'claimed', 'lease_expired', 'failed'])
    expect(await typesOf(owner, adopted)).toEqual([])
  })
})
