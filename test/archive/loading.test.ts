import { watchRows } from '@millrace/db/archive/checked-rows'
import { TablesDigester } from '@millrace/db/archive/digest'
import { abandonRestore, loadRows, type LoadOptions } from '@millrace/db/archive/load'
import { entryOf, type RowPage, type RowPages } from '@millrace/db/archive/row'
import { countRows, readRows } from '@millrace/db/archive/source'
import { plain } from '@millrace/db/dialects/plain'
import { findDrift } from '@millrace/db/migrate/drift'
import type { Database } from '@millrace/db/store/database'
import { readiness } from '@millrace/db/store/readiness'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { targetOf } from '../database.ts'
import { describeDialectsByTest, type TestDatabase } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'
import { sampleRows, watchedSample } from './sample.ts'

/** Rows are loaded by native drivers: without checks of foreign keys, which come when all rows are there. */

const size = { users: 6, workflows: 12, executions: 900 }

describeDialectsByTest((dialect) => {
  let raw: TestDatabase
  let database: Database

  beforeEach(async () => {
    raw = await migratedDatabase(dialect)
    database = await openNativeDatabase({ target: targetOf(raw.url), file: { movesRows: true } })
  })

  afterEach(async () => {
    await database.close()
    await raw.drop()
  })

  function load(options: Partial<LoadOptions> = {}) {
    const sample = watchedSample(size)
    const all = { digest: 'sample', isResumed: false, indexesLastFrom: 400, ...options }
    return loadRows(database, sample.pages, () => sample.finish(), all)
  }

  async function drift(): Promise<readonly string[]> {
    return (await findDrift(database.transport())).map(({ name }) => name)
  }

  test('awkward values arrive as they were, and foreign keys and indexes are there at the end', async () => {
    const made: string[] = []
    const written = await load({ onIndex: (name) => made.push(name) })
    const snapshot = await database.snapshot()
    const read = watchRows(readRows(snapshot))
    for await (const page of read.pages) expect(page.entries.length).toBeGreaterThan(0)
    await snapshot.close()
    expect(read.finish()).toEqual(written)
    expect(await drift()).toEqual([])
    expect(made.filter((name) => name.endsWith('_fk'))).toEqual(
      dialect === 'postgres'
        ? [
            'executions_workflow_id_workflows_id_fk',
            'executions_user_id_users_id_fk',
            'execution_history_execution_id_executions_id_fk',
          ]
        : [],
    )
    await readiness(database)
    await expect(
      raw.query(`update executions set user_id = 'nobody' where user_id is not null`),
      'foreign keys are checked again',
    ).rejects.toThrow()
  })

  test('a page is written whole or not at all', async () => {
    const loading = await database.load()
    if (loading === undefined) throw new Error('there is nothing to load by')
    const at = dialect === 'sqlite' ? '0' : '2026-01-01 00:00:00.000'
    const row = (id: string, key: string) => [
      id,
      key,
      key,
      `${key}@example.com`,
      `${key}@example.com`,
      'x',
      'user',
      at,
      at,
      at,
    ]
    const columns = [
      'id',
      'username',
      'username_key',
      'email',
      'email_key',
      'password_hash',
      'role',
      'created_at',
      'updated_at',
      'tokens_valid_from',
    ]
    try {
      // More than one statement where a statement takes a hundred rows.
      const rows = Array.from({ length: 250 }, (_, number) => row(`id ${number}.`, `name ${number}`))
      const twice = [...rows, row('id 3.', 'another')]
      const guard = plain('select 1')
      await expect(loading.insert(guard, { table: 'users', columns, rows: twice })).rejects.toMatchObject({
        fault: 'unique_violation',
      })
      expect(await raw.query('select id from users')).toEqual([])
      expect(await loading.insert(plain('select 1 where 1 = 2'), { table: 'users', columns, rows })).toBe(false)
      expect(await raw.query('select id from users')).toEqual([])
      expect(await loading.insert(guard, { table: 'users', columns, rows })).toBe(true)
      expect(await raw.query('select id from users')).toHaveLength(250)
    } finally {
      await loading.close()
    }
  })

  test('who breaks off leaves foreign keys and indexes to whoever resumes or abandons', async () => {
    for (const goOn of [() => load({ isResumed: true }), () => abandonRestore(database)]) {
      const breaking = new AbortController()
      const onRows = (rows: number) => (rows === 500 ? breaking.abort(new Error('broken off')) : undefined)
      await expect(load({ onRows, signal: breaking.signal })).rejects.toThrow('broken off')
      await expect(readiness(database)).rejects.toMatchObject({ fault: 'restore_in_progress' })
      const missing = await drift()
      expect(missing.includes('executions_user_id_users_id_fk')).toBe(dialect === 'postgres')
      await goOn()
      expect(await drift()).toEqual([])
      await readiness(database)
      await raw.query('delete from execution_history')
      await raw.query('delete from executions')
      for (const table of ['schedules', 'workflow_shares', 'workflow_versions', 'workflows', 'settings', 'api_keys'])
        await raw.query(`delete from ${table}`)
      await raw.query('delete from audit')
      await raw.query('delete from users')
    }
  })

  test('who was abandoned meanwhile writes no other row, and the database serves', async () => {
    const sample = watchedSample(size)
    async function* abandoned(): RowPages & AsyncGenerator<RowPage> {
      let pages = 0
      for await (const page of sample.pages) {
        if (page.table.name === 'executions') pages += 1
        // By another process, while this one has pages left that refer to rows that are gone then.
        if (page.table.name === 'executions' && pages === 2) await abandonRestore(database)
        yield page
      }
    }
    const loading = loadRows(database, abandoned(), () => sample.finish(), { digest: 'sample', isResumed: false })
    await expect(loading).rejects.toMatchObject({ fault: 'taken_over' })
    expect(await countRows(database.transport())).toBe(0)
    expect(await drift()).toEqual([])
    await readiness(database)
  })

  test('a row that refers to nothing is named, and the database stays shut', async () => {
    // As if the checks on the way had let it pass.
    let id = ''
    async function* broken(
      beforeIt: () => Promise<void> = () => Promise.resolve(),
    ): RowPages & AsyncGenerator<RowPage> {
      for await (const { table, entries } of sampleRows(size)) {
        // In the second page: the first is written under the foreign keys, which refuse it by themselves.
        const isBroken = table.name === 'executions' && entries.length < 500
        const [first, ...others] = entries
        if (!isBroken || first === undefined) yield { table, entries }
        else {
          await beforeIt()
          id = String(first.row['id'])
          yield { table, entries: [entryOf({ ...first.row, user_id: 'nobody' }), ...others] }
        }
      }
    }
    const digester = new TablesDigester()
    for await (const page of broken()) digester.add(page)
    const expected = digester.finish()
    async function keysAreDropped(): Promise<void> {
      if (dialect === 'postgres')
        await expect.poll(drift, { timeout: 10_000 }).toContain('executions_user_id_users_id_fk')
    }
    const loading = loadRows(database, broken(keysAreDropped), () => expected, {
      digest: 'sample',
      isResumed: false,
      indexesLastFrom: 400,
    })
    await expect(loading).rejects.toMatchObject({
      fault: 'proof_failed',
      message: expect.stringContaining(`executions ${JSON.stringify(id)}, whose executions.user_id is "nobody"`),
    })
    await expect(readiness(database)).rejects.toMatchObject({ fault: 'restore_in_progress' })
    await abandonRestore(database)
    expect(await drift()).toEqual([])
  })
})
