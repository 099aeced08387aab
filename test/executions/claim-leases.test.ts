import type { UserCaller } from '@millrace/db/access/access'
import type { Statement } from '@millrace/db/sql/statement'
import type { Store } from '@millrace/db/store/store'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { generatedRows } from '../generated-rows.ts'
import { executionsRead } from '../plans/recorded.ts'
import { watchedStore } from '../watched-store.ts'
import { after, claim, createUser, createWorkflow, start, startExecution } from './kit.ts'

/* What was running and has lost its lease is due in its place, however much of its workflow, or of others, is running. */

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let owner: UserCaller
  let workflowId: string
  let sent: Statement[] = []
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
  })
  afterAll(() => reached.stop())
  beforeEach(async () => {
    store = watchedStore(reached.database.transport(), { statement: (statement) => void sent.push(statement) })
    owner = await createUser(store)
    workflowId = await createWorkflow(store, owner)
    sent = []
  })

  const { numbers, moment, text } = generatedRows[dialect]

  async function addRunning(count: number, firstLease: number, id = workflowId, user = owner): Promise<void> {
    const created = moment(start.getTime(), '0')
    const lease = moment(start.getTime(), `i + ${firstLease}`)
    await reached.raw.query(
      `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, lease_until, created_at, updated_at) select ${text(`${id.slice(0, 8)}r`, 'i')}, '${id}', '${user.userId}', 'running', 1, 1, 3, 1, ${lease}, ${created}, ${created} from ${numbers(1, count)}`,
    )
  }

  const makeDue = async (count: number, from = 0) => {
    const ids: string[] = []
    for (let made = 0; made < count; made += 1) {
      ids.push((await startExecution(store, owner, workflowId, { createdAt: after(from + made) })).id)
    }
    return ids
  }

  const given = async (at: number, leaseUntil = at + 60) =>
    (await claim(store, owner, { workflowIds: [workflowId], at: after(at), leaseUntil: after(leaseUntil) })).map(
      ({ id }) => id,
    )

  test.each(['that names the workflow', 'that names none'])(
    'a claim %s is given what is next, and reads nothing of the 2,000 that are running',
    async (what) => {
      const due = await makeDue(3)
      await addRunning(2000, 1000)
      const workflowIds = what.endsWith('none') ? undefined : [workflowId]
      const taken = async () =>
        (await claim(store, owner, { workflowIds, at: after(10), leaseUntil: after(999) })).map(({ id }) => id)
      expect([await taken(), await taken(), await taken(), await taken()]).toEqual([...due.map((id) => [id]), []])
      if (dialect !== 'mysql') return
      const updates = sent.filter(({ text }) => text.startsWith('update'))
      expect(updates).toHaveLength(4)
      // Once more, with nothing due: three that run, by the index of leases, and what the claim's end looks at.
      expect(await executionsRead(reached, updates.slice(-1))).toBeLessThan(20)
    },
  )

  test('a lease that runs out behind a claim is given in its place by the next', async () => {
    const [first, second, third, fourth] = await makeDue(4)
    expect(await given(10, 15)).toEqual([first])
    expect(await given(14.9)).toEqual([second])
    expect(await given(15)).toEqual([third])
    expect(await given(16)).toEqual([fourth])
    expect(await given(16)).toEqual([first])
    expect(await given(16)).toEqual([])
  })

  test('a lost lease that waits longer than what is pending is given before it, however soon after another claim', async () => {
    const [first] = await makeDue(1)
    expect(await given(10, 15)).toEqual([first])
    const [later] = await makeDue(1, 16)
    expect(await given(17)).toEqual([first])
    expect(await given(17)).toEqual([later])
  })

  test('of many lost leases of others a claim is given none, and it finds its own behind them', async () => {
    const stranger = await createUser(store)
    await addRunning(150, 0, await createWorkflow(store, stranger), stranger)
    const [first, second] = await makeDue(2)
    expect([await given(200), await given(200.1)]).toEqual([[first], [second]])
    await addRunning(1, 210)
    expect(await given(210.9)).toEqual([])
    expect(await given(211)).toEqual([`${workflowId.slice(0, 8)}r1`])
    expect(await given(211)).toEqual([])
  })

  test('what one caller’s claims tell is not taken for what another one has', async () => {
    await makeDue(1)
    const other = await createUser(store)
    const ofOther = await createWorkflow(store, other)
    await addRunning(1, 1, ofOther, other)
    expect(await given(10)).toHaveLength(1)
    const found = await claim(store, other, { workflowIds: [ofOther], at: after(10), leaseUntil: after(70) })
    expect(found.map(({ id }) => id)).toEqual([`${ofOther.slice(0, 8)}r1`])
  })
})
