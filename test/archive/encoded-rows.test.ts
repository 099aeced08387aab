import { watchRows } from '@millrace/db/archive/checked-rows'
import type { TableDigests } from '@millrace/db/archive/digest'
import { abandonRestore } from '@millrace/db/archive/load'
import type { RowPage, RowPages } from '@millrace/db/archive/row'
import { readRows } from '@millrace/db/archive/source'
import { archiveTables } from '@millrace/db/archive/tables'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import type { Database } from '@millrace/db/store/database'
import { readiness } from '@millrace/db/store/readiness'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { describeDialects } from '../dialects.ts'
import { fill } from './archives.ts'
import { filledDatabase, moveRows, NativeDatabases, type Filled, type Moving } from './native-databases.ts'

/** From one PostgreSQL to another, rows move as the server encodes them, and are checked and proven by these bytes. */

const size = { users: 5, workflows: 9, executions: 900 }

describeDialects((dialect) => {
  const databases = new NativeDatabases()
  const { raw } = databases
  let filled: Filled
  let source: Database
  let target: Database
  let before: TableDigests

  beforeAll(async () => {
    filled = await filledDatabase(dialect, size)
  })

  beforeEach(async () => {
    source = await databases.openFilled(filled)
    target = await databases.open(dialect)
    before = filled.digests
  })

  afterEach(() => databases.drop())

  const inSource = (statement: string) => raw[0]?.query(statement)
  const inTarget = (statement: string) => raw[1]?.query(statement)

  /** Tables whose rows went in as they are encoded. */
  async function move(moving: Moving = {}): Promise<ReadonlySet<string>> {
    const tables = new Set<string>()
    expect(await moveRows(source, noting(target, tables), { indexesLastFrom: 400, ...moving })).toEqual(before)
    return tables
  }

  async function tableDigests(database: Database): Promise<TableDigests> {
    const read = watchRows(readRows(database.transport()))
    for await (const page of read.pages) expect(page.encoded).toBeUndefined()
    return read.finish()
  }

  const all = archiveTables.map(({ name }) => name)
  const derived = ['users', 'workflows']
  const encoded = (without: readonly string[] = derived) =>
    dialect === 'postgres' ? all.filter((name) => !without.includes(name)).toSorted() : []

  test('awkward rows arrive as they were, as the database encodes them', async () => {
    expect([...(await move())].toSorted()).toEqual(encoded())
    expect(await tableDigests(target)).toEqual(before)
    await readiness(target)
  })

  test('who broke off goes on, and the rest arrives', async () => {
    const breaking = new AbortController()
    const page = ({ table }: RowPage) => {
      if (table.name === 'audit') breaking.abort(new Error('broken off'))
      return Promise.resolve()
    }
    await expect(move({ page, signal: breaking.signal })).rejects.toThrow('broken off')
    await inTarget('delete from execution_history where seq = 1')
    await move({ isResumed: true })
    expect(await tableDigests(target)).toEqual(before)
    await readiness(target)
  })

  test('who was abandoned meanwhile writes no other row', async () => {
    const abandon = once(() => abandonRestore(target))
    const page = ({ table }: RowPage) => (table.name === 'execution_history' ? abandon() : Promise.resolve())
    await expect(move({ page })).rejects.toMatchObject({ fault: 'taken_over' })
    expect(await inTarget('select id from executions')).toEqual([])
  })

  if (dialect !== 'postgres') return

  test('a row that is another, is missing or is too many when all are written fails the proof', async () => {
    const damages = [
      `update executions set fence = fence + 1 where id = (select max(id) from executions)`,
      `delete from execution_history where execution_id = (select min(execution_id) from execution_history) and seq = 1`,
      `insert into audit (id, at, type, actor_kind, subject_type, data) values ('zzzz', now(), 'user.registered', 'user', 'user', '{}')`,
      `insert into audit (id, at, type, actor_kind, subject_type, data) values ('0', now(), 'user.registered', 'user', 'user', '{}')`,
    ]
    for (const [at, damage] of damages.entries()) {
      const table = ['executions', 'execution_history', 'audit', 'audit'][at] ?? ''
      // Behind the last row, before the proof: making the first index is told then.
      const onIndex = once(() => inTarget(damage))
      await expect(moveSlowly(onIndex)).rejects.toMatchObject({
        fault: 'proof_failed',
        message: expect.stringContaining(table),
      })
      await expect(readiness(target)).rejects.toMatchObject({ fault: 'restore_in_progress' })
      await abandonRestore(target)
    }
  })

  /** Lets the work be done before the target's rows are read for the proof. */
  async function moveSlowly(work: () => Promise<unknown>): Promise<unknown> {
    const own = target
    async function snapshot(): Promise<Snapshot> {
      await work()
      return own.snapshot()
    }
    target = { ...own, snapshot }
    try {
      return await move()
    } finally {
      target = own
    }
  }

  const wrongs: Readonly<Record<string, string>> = {
    'an id that refers to nothing': `alter table executions drop constraint executions_user_id_users_id_fk; update executions set user_id = 'nobody' where id = (select max(id) from executions)`,
    'a version that is not there': `update executions set version_number = 99 where id = (select min(id) from executions)`,
    'a gap in a history': `delete from execution_history where seq = 2`,
    'a key twice in a history': `drop index execution_history_execution_id_key_unique; update execution_history set key = 'same' where seq > 1`,
    'an infinite time': `update executions set started_at = 'infinity' where id = (select max(id) from executions)`,
    'a time before the year 1000': `update executions set started_at = '0999-01-01' where id = (select max(id) from executions)`,
    'a time after the year 9999': `update executions set due_at = '10000-01-01' where id = (select min(id) from executions)`,
    'a number that is not safe': `update executions set fence = 9007199254740993 where id = (select max(id) from executions)`,
    'a status that is none': `alter table executions drop constraint executions_status_check; update executions set status = 'lost' where id = (select max(id) from executions)`,
    'an id that ends in a space': `update audit set id = id || ' ' where id = (select max(id) from audit)`,
    'an id that is too long': `update audit set id = repeat('x', 65) where id = (select max(id) from audit)`,
    'a document that is none': `update executions set wait_for = '[' where id = (select max(id) from executions)`,
    'a text that is too long': `update audit set network = repeat('x', 100000) where id = (select max(id) from audit)`,
  }

  for (const [wrong, statements] of Object.entries(wrongs)) {
    test(`${wrong} is refused in the same words as where rows are read as values`, async () => {
      for (const statement of statements.split('; ')) await inSource(statement)
      const told = await refusalOf(readRows(source.transport()))
      expect(told).toMatch(/^\w+: /)
      const snapshot = await source.snapshot()
      expect(await refusalOf(readRows(snapshot))).toBe(told)
      await snapshot.close()
    })
  }

  test('times and numbers at the ends of what an archive holds arrive', async () => {
    await inSource(`update executions set started_at = '1714-12-31 23:59:59.999Z', due_at = '9999-12-31 23:59:59.999Z'`)
    await inSource(`update executions set completed_at = '1969-12-31 23:59:59.001Z', updated_at = '1000-01-01'`)
    await inSource(`update executions set fence = 9007199254740991, attempts = -9007199254740991`)
    await inSource(`update executions set created_at = '2285-12-31 12:00:00.1Z' where fence > 3`)
    before = await tableDigests(source)
    expect([...(await move())].toSorted()).toEqual(encoded())
    expect(await tableDigests(target)).toEqual(before)
  })

  test('a table whose columns are of other types than the schema has is read or written as values', async () => {
    await inSource(`alter table executions alter column fence type integer`)
    await inSource(`alter table execution_history alter column output type text`)
    await inTarget(`alter table audit alter column data type text`)
    const expected = encoded([...derived, 'executions', 'execution_history', 'audit'])
    expect([...(await move())].toSorted()).toEqual(expected)
    expect(await tableDigests(target)).toEqual(before)
  })

  test('pages of any size hold all rows in order', async () => {
    // Each row has a page of its own twice, so there are few.
    const few = await databases.open(dialect)
    await fill(few, { users: 5, workflows: 9, executions: 90 })
    await raw
      .at(-1)
      ?.query(`update executions set state = json_build_object('large', repeat('x', 300000)) where attempts = 2`)
    before = await tableDigests(few)
    expect(before.executions.rows).toBe(90)
    for (const limits of [
      { rows: 1, bytes: 3000 },
      { rows: 7, bytes: 20_000 },
      { rows: 10_000, bytes: 900 },
      { rows: 10_000, bytes: 200_000 },
      { rows: 1_000_000, bytes: 20_000_000 },
    ]) {
      const snapshot = await few.snapshot()
      const read = watchRows(readRows(snapshot, limits))
      for await (const { encoded: form, entries } of read.pages) {
        expect(form?.rows).toBe(entries.length)
        expect(entries.length).toBeLessThanOrEqual(limits.rows)
        expect(form?.last).toEqual(entries.at(-1)?.row)
      }
      await snapshot.close()
      expect(read.finish()).toEqual(before)
    }
  })

  test('who stops reading ends the connection, and the next one reads all', async () => {
    const snapshot = await source.snapshot()
    for await (const page of readRows(snapshot, { rows: 1, bytes: 100 })) {
      if (page.table.name === 'executions') break
    }
    await expect(snapshot.run({ text: 'select 1', parameters: [] })).rejects.toMatchObject({
      fault: 'database_unreachable',
    })
    await snapshot.close()
    await move()
  })

  test('a server that ends the connection amid rows is said to be unreachable', async () => {
    const snapshot = await source.snapshot()
    const ended = async () => {
      for await (const page of readRows(snapshot, { rows: 1, bytes: 100 })) {
        if (page.table.name === 'executions') await endConnections()
      }
    }
    await expect(ended()).rejects.toMatchObject({ fault: 'database_unreachable' })
    await snapshot.close()
  })

  async function endConnections(): Promise<void> {
    await inSource(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'copy (%'`,
    )
  }
})

async function refusalOf(pages: RowPages): Promise<string> {
  try {
    const read = watchRows(pages)
    for await (const page of read.pages) expect(page.entries.length).toBeGreaterThan(0)
    return 'nothing is wrong'
  } catch (thrown) {
    return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
  }
}

function once(work: () => Promise<unknown> | undefined): () => Promise<unknown> {
  let isDone = false
  return async () => {
    if (isDone) return
    isDone = true
    await work()
  }
}

/** Notes the tables whose rows are loaded as they are encoded. */
function noting(database: Database, tables: Set<string>): Database {
  return {
    ...database,
    async load(from?: Snapshot) {
      const loading = await database.load(from)
      const { insertEncoded } = loading ?? {}
      if (loading === undefined || insertEncoded === undefined) return loading
      return {
        ...loading,
        insertEncoded(guard, page) {
          tables.add(page.table)
          return insertEncoded(guard, page)
        },
      }
    },
  }
}
