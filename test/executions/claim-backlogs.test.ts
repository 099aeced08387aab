import type { UserCaller } from '@millrace/db/access/access'
import type { Store } from '@millrace/db/store/store'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { generatedRows } from '../generated-rows.ts'
import { executionsRead, recordedStatements } from '../plans/recorded.ts'
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

  /** 300 executions of one workflow more, so many seconds apart. */
  async function addBacklog(owner: UserCaller, secondsApart = '1', firstSecond = 0): Promise<string> {
    const workflowId = await createWorkflow(store, owner)
    const created = moment(start.getTime(), `i * ${secondsApart} + ${firstSecond}`)
    await reached.raw.query(
      `insert into executions (id, workflow_id, user_id, status, version_number, attempts, max_attempts, fence, created_at, updated_at) select ${text(workflowId.slice(0, 8), 'i')}, '${workflowId}', '${owner.userId}', 'pending', 1, 0, 3, 0, ${created}, ${created} from ${numbers(1, 300)}`,
    )
    return workflowId
  }

  test('a claim is given nothing of a remembered backlog that has become another’s, nor of one that came back, until it is accepted', async () => {
    const owner = await createUser(store)
    const workflowId = await addBacklog(owner)
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

  test.each(['names none', 'names them all'])(
    'a claim from ten large backlogs that %s is given the oldest of all, and reads no more of them than it looks at',
    async (what) => {
      const owner = await createUser(store)
      const workflowIds: string[] = []
      for (let place = 0; place < 10; place += 1) workflowIds.push(await addBacklog(owner, '10', place))
      const claimOne = (by: Store) =>
        claim(by, owner, {
          at: after(10_000),
          leaseUntil: after(10_060),
          workflowIds: what === 'names none' ? undefined : workflowIds,
        })
      const given: string[] = []
      const statements = await recordedStatements(reached, async (recorded) => {
        for (let count = 0; count < 12; count += 1) given.push(...(await claimOne(recorded)).map(({ id }) => id))
      })
      const oldest = [1, 2].flatMap((i) => workflowIds.map((workflowId) => `${workflowId.slice(0, 8)}${i}`))
      expect(given).toEqual(oldest.slice(0, 12))
      if (dialect !== 'mysql') return
      // The answer of the first tells of the backlogs, and those of the others do not.
      expect(statements.filter(({ text }) => text.includes('backlog.status'))).toHaveLength(1)
      const read = await executionsRead(reached, statements.filter(({ text }) => text.startsWith('update')).slice(-1))
      expect(read).toBeGreaterThan(0)
      expect(read).toBeLessThan(1500)
    },
  )

  test('after a claim that has failed, the next one looks for backlogs first', async () => {
    const owner = await createUser(store)
    for (let place = 0; place < 6; place += 1) await addBacklog(owner, '10', place)
    const claimOne = (by: Store) => claim(by, owner, { at: after(10_000) })
    const tooLate = (recorded: Store): Store =>
      new Proxy(recorded, {
        get: (target, name) =>
          name === 'apply' ? () => Promise.reject(new Error('too late')) : (Reflect.get(target, name) as unknown),
      })
    const statements = await recordedStatements(reached, async (recorded) => {
      if (dialect === 'mysql') await expect(claimOne(tooLate(recorded))).rejects.toThrow('too late')
      expect(await claimOne(recorded)).toHaveLength(1)
      expect(await claimOne(recorded)).toHaveLength(1)
    })
    const looked = statements.filter(({ text }) => text.includes('backlog.status'))
    if (dialect !== 'mysql') return expect(looked).toEqual([])
    expect(looked).toHaveLength(1)
    expect(looked[0]).toBe(statements[0])
    expect(looked[0]?.text).toMatch(/^select `id` from `workflows`/)
  })
})
