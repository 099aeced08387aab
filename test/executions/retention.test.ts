import { sweepAudit } from '@millrace/db/repositories/accounts/expiry'
import { sweepEndedExecutions } from '@millrace/db/repositories/executions/retention'
import type { Store } from '@millrace/db/store/store'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects, testWhere, type DialectName } from '../dialects.ts'
import { watchedStore } from '../watched-store.ts'
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

  const before = (days: number) => new Date(start.getTime() - days * dayMilliseconds)

  /** Gives an execution steps, until it has so many entries. */
  async function lengthen(id: string, entries: number): Promise<void> {
    const at = momentOf(start)
    const rows = Array.from(
      { length: entries - 2 },
      (_, index) => `('${id}', ${index + 3}, 'step', 'step ${index}', ${at})`,
    )
    const key = dialect === 'mysql' ? '`key`' : '"key"'
    if (rows.length > 0) {
      await reached.raw.query(
        `insert into execution_history (execution_id, seq, type, ${key}, at) values ${rows.join(', ')}`,
      )
    }
    await reached.raw.query(`update executions set last_seq = ${entries} where id = '${id}'`)
  }

  /** Executions that ended a number of days ago, with two entries each. */
  async function ended(days: readonly number[], status = 'completed'): Promise<readonly string[]> {
    const ids = days.map((day, position) => `${workflowId.slice(0, 18)}-${status}-${day}-${position}`)
    const moments = days.map((day) => momentOf(before(day)))
    const rows = ids.map((id, position) => {
      const at = moments[position]
      return `('${id}', '${workflowId}', '${status}', 1, 1, 3, 1, ${at}, ${at}, ${at}, 2)`
    })
    await reached.raw.query(
      `insert into executions (id, workflow_id, status, version_number, attempts, max_attempts, fence, created_at, updated_at, completed_at, last_seq) values ${rows.join(', ')}`,
    )
    const entries = ids.flatMap((id, position) => {
      const at = moments[position]
      return [`('${id}', 1, 'created', ${at})`, `('${id}', 2, 'completed', ${at})`]
    })
    await reached.raw.query(`insert into execution_history (execution_id, seq, type, at) values ${entries.join(', ')}`)
    return ids
  }
  /** A store that tells how many entries each batch has deleted. */
  const watching = (onBatch: (entries: number) => void) =>
    watchedStore(reached.database.transport(), { batch: ([first]) => onBatch(first?.affected ?? 0) })
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
    expect(await sweepEndedExecutions(store, before(30))).toBe(old.length)
    expect(await remaining()).toEqual([...young, ...odd, pending.id].toSorted())
    expect(await histories(old)).toBe(0)
    expect(await histories([...young, ...odd])).toBe(6)
    expect(await sweepEndedExecutions(store, before(30))).toBe(0)
  })

  testWhere(
    dialect !== 'sqlite',
    'what another transaction holds is passed over and not waited for, and goes with the next run',
    async () => {
      // More than a batch one after the other, and more than a batch at one moment.
      const days = Array.from({ length: 520 }, (_, number) => (number < 260 ? 400 - number : 100))
      const held = await ended(days)
      const free = await ended([41, 40], 'failed')
      const holder = await openSession(dialect, reached.raw.url)
      try {
        await holder.query('begin')
        // One by one: of a search, MySQL locks whatever it passes.
        for (const id of held) await holder.query(`select id from executions where id = '${id}' for update`)
        expect(await sweepEndedExecutions(store, before(30))).toBe(free.length)
        expect(await remaining()).toEqual(held.toSorted())
        expect([await histories(held), await histories(free)]).toEqual([2 * held.length, 0])
        await holder.query('rollback')
      } finally {
        await holder.close()
      }
      expect(await sweepEndedExecutions(store, before(30))).toBe(held.length)
      expect(await remaining()).toEqual([])
      expect(await histories(held)).toBe(0)
    },
  )

  test('no batch deletes more entries than it may, but for those of one execution', async () => {
    const ids = await ended([44, 43, 42, 41, 40])
    const entries = [1500, 900, 200, 3000, 2]
    for (const [position, id] of ids.entries()) await lengthen(id, entries[position] ?? 0)
    const batches: number[] = []
    const watched = watching((deleted) => batches.push(deleted))
    expect(await sweepEndedExecutions(watched, before(30))).toBe(ids.length)
    expect(batches).toEqual([2400, 200, 3000, 2])
    expect(await histories(ids)).toBe(0)
  })

  test('a run that is told to end does so after its batch', async () => {
    const ids = await ended(Array.from({ length: 300 }, (_, number) => 400 - number))
    const stopping = new AbortController()
    const watched = watching(() => stopping.abort())
    expect(await sweepEndedExecutions(watched, before(30), stopping.signal)).toBe(250)
    expect(await remaining()).toEqual(ids.slice(250).toSorted())
    expect(await sweepEndedExecutions(store, before(30))).toBe(50)
  })

  test('while others restore into the database nothing goes that an archive holds', async () => {
    const ids = await ended([40, 35])
    const audit = () => reached.raw.query('select id from audit')
    const events = (await audit()).length
    expect(events).toBeGreaterThan(0)
    await reached.raw.query(`update marks set value = 'an archive' where name = 'restore'`)
    try {
      expect(await sweepEndedExecutions(store, before(30))).toBe(0)
      expect(await sweepAudit(store, after(86_400))).toBe(0)
      expect(await audit()).toHaveLength(events)
    } finally {
      await reached.raw.query(`update marks set value = null where name = 'restore'`)
    }
    expect(await sweepEndedExecutions(store, before(30))).toBe(ids.length)
  })

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

/** A session of its own, whose transaction stays open. */
async function openSession(dialect: DialectName, url: string) {
  const plain = url.replace(/^(\w+)\+\w+/, '$1')
  if (dialect === 'mysql') {
    const connection = await mysql.createConnection({ uri: plain })
    return { query: (text: string) => connection.query(text), close: () => connection.end() }
  }
  const client = new pg.Client({ connectionString: plain })
  await client.connect()
  return { query: (text: string) => client.query(text), close: () => client.end() }
}
