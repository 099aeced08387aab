import { afterAll, beforeAll, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import { listExecutions, type ExecutionListing } from '@millrace/db/repositories/executions/list'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects } from '../dialects.ts'
import { generatedRows } from '../generated-rows.ts'
import { fillWithExecutions } from './fill-executions.ts'
import { executionsRead, recordedStatements } from './recorded.ts'

const now = new Date('2030-01-01T00:00:00.000Z')

function caller(userId: string): UserCaller {
  return { kind: 'user', userId, issuedAt: now, mayAdminister: false }
}

/** What each has of 60,000 executions. More than 5,000 workflows are not looked at one by one before everyone's newest are. */
const owners = [
  { owner: 'u2', has: 'one large workflow' },
  { owner: 'u3', has: 'hundreds of workflows' },
  { owner: 'u4', has: 'thousands of workflows, of which many have been used of late' },
  { owner: 'u6', has: 'thousands of workflows, of which none has been used of late' },
] as const
const manyWorkflows = 5100

/** Of 2026, after so many seconds. */
const after = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000)

const listings: readonly { readonly what: string; readonly given: Partial<ExecutionListing> }[] = [
  { what: 'the first page', given: {} },
  { what: 'a later page', given: { after: { at: after(45_000), id: 'x45000' } } },
  { what: 'a page behind an execution that is not the caller’s', given: { after: { at: after(45_003), id: 'a' } } },
  { what: 'a page from since up to until', given: { since: after(20_000), until: after(50_000) } },
  { what: 'what is pending', given: { statuses: ['pending'] } },
  {
    what: 'a later page of two statuses',
    given: { statuses: ['pending', 'paused'], after: { at: after(45_000), id: 'x' } },
  },
  { what: 'what has failed, which is nothing,', given: { statuses: ['failed'] } },
]

describeDialects((dialect) => {
  let reached: ReachedDatabase

  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    await fillWithExecutions(reached, { count: 60_000 })
    await reached.raw.query(`update workflows set owner_id = 'u3' where id not in ('w2', 'w5')`)
    await reached.raw.query(`update workflows set owner_id = 'u4' where owner_id = 'u3' and id < 'w5'`)
    await fillWithWorkflows('y', 'u6')
    await fillWithWorkflows('z', 'u4')
    const old = generatedRows[dialect].literal(after(3000).getTime())
    await reached.raw.query(`update executions set workflow_id = 'y1' where created_at < ${old}`)
  }, 120_000)
  afterAll(() => reached.stop())

  async function fillWithWorkflows(prefix: string, owner: string) {
    const { numbers, text, literal } = generatedRows[dialect]
    const [id, at] = [text(prefix, 'i'), literal(after(0).getTime())]
    const no = dialect === 'postgres' ? 'false' : '0'
    await reached.raw.query(
      `insert into workflows (id, name, version_number, definition, owner_id, is_public, created_at, updated_at, revision, name_key) select ${id}, ${id}, 1, '{}', '${owner}', ${no}, ${at}, ${at}, 1, ${id} from ${numbers(1, manyWorkflows)}`,
    )
  }

  for (const { owner, has } of owners) {
    for (const { what, given } of listings) {
      const listing: ExecutionListing = { statuses: [], limit: 20, ...given }
      test(`of who owns ${has}, ${what} is as the database has it`, async () => {
        const listed = await listExecutions(reached.database.store(), caller(owner), listing)
        if (!listed.ok) throw new Error(listed.refusal)
        expect(listed.value.rows.map(({ id }) => id)).toEqual(await expected(owner, listing))
      })
    }
  }

  test.each([
    { what: 'the first page', given: {} },
    { what: 'a later page', given: { after: { at: after(45_000), id: 'x45000' } } },
    { what: 'a page from since on', given: { since: after(59_900) } },
    { what: 'what is pending', given: { statuses: ['pending'] as const } },
  ])('of who owns thousands of workflows, $what is found among the newest executions', async ({ given }) => {
    const listing: ExecutionListing = { statuses: [], limit: 10, ...given }
    const statements = await recordedStatements(reached, (store) => listExecutions(store, caller('u4'), listing))
    // The first says that there are so many.
    expect(statements.length).toBe(2)
  })

  // The others read along the index for each parent; a join of MariaDB's reads all that belongs to the parents.
  if (dialect === 'mysql') {
    const bounded = owners
      .slice(0, 3)
      .flatMap(({ owner, has }) =>
        listings
          .filter(({ given }) => given.statuses === undefined)
          .map(({ what, given }) => ({ owner, has, what, given })),
      )
    test.each(bounded)('of who owns $has, $what reads no more than it must', async ({ owner, given }) => {
      const listing: ExecutionListing = { statuses: [], limit: 20, ...given }
      const statements = await recordedStatements(reached, (store) => listExecutions(store, caller(owner), listing))
      expect(statements.length).toBeLessThanOrEqual(3)
      const read = await executionsRead(reached, statements)
      expect(read).toBeGreaterThan(0)
      // Of 60,000, of which the first has 18,000 in that workflow, and the others nearly all that is not.
      expect(read).toBeLessThan(6000)
    })

    test('of who owns hundreds of workflows, what is pending is read through those that have any', async () => {
      const listing: ExecutionListing = { statuses: ['pending'], limit: 20 }
      const statements = await recordedStatements(reached, (store) => listExecutions(store, caller('u3'), listing))
      // Two more where the page was looked for in workflows that have none.
      expect(statements.length).toBe(3)
    })

    test('who has few executions is answered in one trip', async () => {
      const statements = await recordedStatements(reached, (store) =>
        listExecutions(store, caller('u7'), { statuses: [], limit: 20 }),
      )
      expect(statements.length).toBe(1)
    })
  }

  async function expected(owner: string, { statuses, since, until, after: behind, limit }: ExecutionListing) {
    const at = (moment: Date) =>
      ({
        sqlite: String(moment.getTime()),
        postgres: `timestamptz '${moment.toISOString()}'`,
        mysql: `'${moment.toISOString().slice(0, -1)}'`,
      })[dialect]
    const where = [
      `(workflow_id in (select id from workflows where owner_id = '${owner}') or workflow_id in (select workflow_id from workflow_shares where shared_with_user_id = '${owner}') or user_id = '${owner}')`,
      ...(statuses.length === 0 ? [] : [`status in (${statuses.map((status) => `'${status}'`).join(', ')})`]),
      ...(since === undefined ? [] : [`created_at >= ${at(since)}`]),
      ...(until === undefined ? [] : [`created_at < ${at(until)}`]),
      ...(behind === undefined
        ? []
        : [`(created_at < ${at(behind.at)} or (created_at = ${at(behind.at)} and id < '${behind.id}'))`]),
    ]
    const rows = await reached.raw.query(
      `select id from executions where ${where.join(' and ')} order by created_at desc, id desc limit ${limit + 1}`,
    )
    return rows.map((row) => String(Object.values(row)[0]))
  }
})
