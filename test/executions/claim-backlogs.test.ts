import type { UserCaller } from '@millrace/db/access/access'
import type { Store } from '@millrace/db/store/store'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { generatedRows } from '../generated-rows.ts'
import { after, claim, createUser, createWorkflow, start } from './kit.ts'

/* Where a dialect reaches large backlogs one by one, a process remembers which workflows have one. */

describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
  })
  afterAll(() => reached.stop())

  const { numbers, moment, text } = generatedRows[dialect]

  async function ownerWithBacklog(): Promise<{ owner: UserCaller; workflowId: string }> {
    const owner = await createUser(store)
    const workflowId = await createWorkflow(store, owner)
    const created = moment(start.getTime(), 'i')
    await reached.raw.query(
      `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, created_at, updated_at) select ${text(workflowId.slice(0, 8), 'i')}, '${workflowId}', '${owner.userId}', 'pending', 1, 0, 3, 0, ${created}, ${created} from ${numbers(1, 300)}`,
    )
    return { owner, workflowId }
  }

  test('a claim is given nothing of a remembered backlog that has become another’s, nor of one that came back, until it is accepted', async () => {
    const { owner, workflowId } = await ownerWithBacklog()
    const other = await createUser(store)
    // By which the caller still reaches something.
    await createWorkflow(store, owner)
    const given = async () => (await claim(store, owner, { at: after(1000) })).length
    expect([await given(), await given()]).toEqual([1, 1])
    const transfer = (to: UserCaller, at: string) =>
      reached.raw.query(
        `update workflows set owner_id = '${to.userId}', transferred_at = ${at} where id = '${workflowId}'`,
      )
    const now = moment(start.getTime(), '0')
    await transfer(other, now)
    expect(await given()).toBe(0)
    await transfer(owner, 'null')
    expect(await given()).toBe(1)
    await transfer(owner, now)
    expect(await given()).toBe(0)
    await transfer(owner, 'null')
    expect(await given()).toBe(1)
  })
})
