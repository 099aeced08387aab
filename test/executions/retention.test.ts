import { sweepAudit } from '@millrace/db/repositories/accounts/expiry'
import { sweepEndedExecutions } from '@millrace/db/repositories/executions/retention'
import type { Store } from '@millrace/db/store/store'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects, testWhere } from '../dialects.ts'
import { after, createUser, createWorkflow, start, startExecution } from './kit.ts'

const dayMilliseconds = 86_400_000

describeDialects((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let workflowId: string
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
  })
  beforeEach(async () => {
    workflowId = await createWorkflow(store, await createUser(store))
  })
  afterAll(() => reached.stop())

  const momentOf = (at: Date) =>
    dialect === 'sqlite'
      ? String(at.getTime())
      : `'${at
          .toISOString()
          .replace('T', ' ')
          .replace('Z', dialect === 'postgres' ? '+00' : '')}'`

  /** Executions that ended a number of days ago, with two entries each. */
  async function ended(days: readonly number[], status = 'completed'): Promise<readonly string[]> {
    const ids = days.map((day) => `${workflowId.slice(0, 18)}-${status}-${day}`)
    for (const [position, id] of ids.entries()) {
      const at = momentOf(new Date(start.getTime() - (days[position] ?? 0) * dayMilliseconds))
      await reached.raw.query(
        `insert into executions (id, workflow_id, status, version_number, attempts, max_attempts, fence, created_at, updated_at, completed_at, last_seq) values ('${id}', '${workflowId}', '${status}', 1, 1, 3, 1, ${at}, ${at}, ${at}, 2)`,
      )
      await reached.raw.query(
        `insert into execution_history (execution_id, seq, type, at) values ('${id}', 1, 'created', ${at}), ('${id}', 2, 'completed', ${at})`,
      )
    }
    return ids
  }
  const remaining = async () =>
    (await reached.raw.query(`select id from executions where workflow_id = '${workflowId}' order by id`)).map(
      ({ id }) => String(id),
    )
  const histories = async (ids: readonly string[]) =>
    Number(
      (
        await reached.raw.query(
          `select count(*) as n from execution_history where execution_id in (${ids.map((id) => `'${id}'`).join(', ')})`,
        )
      )[0]?.['n'],
    )

  test('what ended before the moment goes with its history, and nothing else', async () => {
    const old = [...(await ended([40, 31])), ...(await ended([50], 'failed')), ...(await ended([35], 'cancelled'))]
    const young = await ended([29, 1])
    // Unfinished, whatever its columns say: an adopted row may have any.
    const odd = await ended([60], 'running')
    const owner = await createUser(store, 'admin')
    const pending = await startExecution(store, owner, workflowId, {
      createdAt: new Date(start.getTime() - 90 * dayMilliseconds),
    })
    const before = new Date(start.getTime() - 30 * dayMilliseconds)
    expect(await sweepEndedExecutions(store, before)).toBe(old.length)
    expect(await remaining()).toEqual([...young, ...odd, pending.id].toSorted())
    expect(await histories(old)).toBe(0)
    expect(await histories([...young, ...odd])).toBe(6)
    expect(await sweepEndedExecutions(store, before)).toBe(0)
  })

  testWhere(
    dialect === 'postgres',
    'what another transaction holds is left to the next run, and not waited for',
    async () => {
      const [held = '', free = ''] = await ended([40, 41])
      const client = new pg.Client({ connectionString: reached.raw.url.replace(/^postgresql\+\w+/, 'postgresql') })
      await client.connect()
      try {
        await client.query('begin')
        await client.query('select 1 from executions where id = $1 for update', [held])
        expect(await sweepEndedExecutions(store, new Date(start.getTime() - 30 * dayMilliseconds))).toBe(1)
        expect(await remaining()).toEqual([held])
        expect([await histories([held]), await histories([free])]).toEqual([2, 0])
        await client.query('rollback')
      } finally {
        await client.end()
      }
      await sweepEndedExecutions(store, new Date(start.getTime() - 30 * dayMilliseconds))
      expect(await remaining()).toEqual([])
      expect(await histories([held, free])).toBe(0)
    },
  )

  test('audit events of before the moment go', async () => {
    const old = momentOf(new Date(start.getTime() - 500 * dayMilliseconds))
    const values = Array.from(
      { length: 1200 },
      (_, number) => `('old-${number}', ${old}, 'workflow.updated', 'system', 'workflow', '{}')`,
    )
    await reached.raw.query(
      `insert into audit (id, at, type, actor_kind, subject_type, data) values ${values.join(', ')}, ('young', ${momentOf(after(0))}, 'workflow.updated', 'system', 'workflow', '{}')`,
    )
    expect(await sweepAudit(store, new Date(start.getTime() - 400 * dayMilliseconds))).toBe(1200)
    const left = await reached.raw.query("select id from audit where id like 'old-%' or id = 'young'")
    expect(left.map(({ id }) => id)).toEqual(['young'])
  })
})
