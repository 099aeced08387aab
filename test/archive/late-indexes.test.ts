import { abandonRestore, loadRows, type LoadOptions } from '@millrace/db/archive/load'
import { LateIndexes } from '@millrace/db/archive/late-indexes'
import { HeldMark, readMark } from '@millrace/db/archive/mark'
import { tableNamed, type ArchiveTable } from '@millrace/db/archive/tables'
import { findDrift } from '@millrace/db/migrate/drift'
import { databaseError } from '@millrace/db/sql/errors'
import type { Transport } from '@millrace/db/sql/transport'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest, testWhere } from '../dialects.ts'
import { watchedSample } from './sample.ts'

const size = { users: 5, workflows: 10, executions: 1200 }
const executions = tableOf('executions')
const late = [
  'executions_workflow_id_created_at_id_index',
  'executions_user_id_created_at_id_index',
  'executions_created_at_id_index',
  'executions_status_due_at_created_at_id_index',
  'executions_workflow_id_status_due_at_created_at_id_index',
  'executions_status_lease_until_id_index',
  'executions_completed_at_id_index',
]

describeDialectsByTest((dialect) => {
  let target: ReachedDatabase

  beforeEach(async () => {
    target = await reachDatabase(dialect)
  })

  afterEach(() => target.stop())

  function load(options: Partial<LoadOptions>) {
    const sample = watchedSample(size, 1)
    const all = { digest: 'sample', isResumed: false, indexesLastFrom: 400, ...options }
    return loadRows(target.database, sample.pages, () => sample.finish(), all)
  }

  async function missingIndexes(): Promise<readonly string[]> {
    return (await findDrift(target.database.transport())).map(({ name }) => name)
  }

  const isLeftOut = dialect !== 'mysql'

  test('a large table has all of its indexes when its rows are there', async () => {
    const made: string[] = []
    await load({ onIndex: (name) => made.push(name) })
    expect(made).toEqual(isLeftOut ? late : [])
    expect(await missingIndexes()).toEqual([])
  })

  test('a table of few rows keeps them', async () => {
    const made: string[] = []
    await load({ indexesLastFrom: 5000, onIndex: (name) => made.push(name) })
    expect(made).toEqual([])
    expect(await missingIndexes()).toEqual([])
  })

  test('who resumes a run that broke off makes those that are missing', async () => {
    await breakOff()
    await load({ isResumed: true })
    expect(await missingIndexes()).toEqual([])
  })

  test('who abandons it does so too', async () => {
    await breakOff()
    await abandonRestore(target.database)
    expect(await missingIndexes()).toEqual([])
  })

  /** Breaks a run off when two indexes are made. */
  async function breakOff(...others: readonly string[]): Promise<void> {
    const breaking = new AbortController()
    let made = 0
    const onIndex = () => {
      made += 1
      if (made === 2) breaking.abort(new Error('broken off'))
    }
    // MySQL makes none at the end: there a run breaks off between two pages.
    const onRows = () => {
      if (!isLeftOut) breaking.abort(new Error('broken off'))
    }
    await expect(load({ onIndex, onRows, signal: breaking.signal })).rejects.toThrow('broken off')
    expect(await missingIndexes()).toEqual([...others, ...(isLeftOut ? late.slice(2) : [])])
  }

  const mark = { guard: () => [], check: () => Promise.resolve() }

  test('who may not make indexes loses none', async () => {
    const denied: Transport = {
      ...target.database.transport(),
      transact: () => Promise.reject(databaseError('internal', 'must be owner of index', { isNotApplied: true })),
    }
    const indexes = new LateIndexes(denied, { isResumed: false, mark, from: 100 })
    await indexes.wrote(executions, 100)
    await indexes.wrote(executions, 1000)
    expect(await missingIndexes()).toEqual([])
  })

  testWhere(dialect === 'postgres', 'who may not make foreign keys again drops none', async () => {
    // To drop one takes no right on the table that it refers to.
    await target.raw.query('revoke references on users from current_user')
    const options = { isResumed: false, mark, from: 100, makesForeignKeys: true }
    await new LateIndexes(target.database.transport(), options).wrote(executions, 100)
    expect(await missingIndexes()).toEqual([])
  })

  testWhere(isLeftOut, 'who has lost the mark drops none', async () => {
    const transport = target.database.transport()
    const held = await HeldMark.set(transport, 'a'.repeat(64))
    const there = await readMark(transport)
    if (held === undefined || there === undefined) throw new Error('there is no mark')
    const indexes = new LateIndexes(transport, { isResumed: false, mark: held, from: 100 })
    const other = await HeldMark.takeOver(transport, there)
    await expect(indexes.wrote(executions, 100)).rejects.toMatchObject({ fault: 'taken_over' })
    await other.lift()
    await expect(
      new LateIndexes(transport, { isResumed: false, mark: held, from: 1 }).wrote(executions, 1),
    ).rejects.toThrow(/taken over/)
    expect(await missingIndexes()).toEqual([])
  })

  test('an index of another shape under the name of one stands in nobody’s way', async () => {
    const name = 'users_created_at_id_index'
    await target.raw.query(dialect === 'mysql' ? `drop index ${name} on users` : `drop index ${name}`)
    await target.raw.query(`create index ${name} on users (created_at)`)
    await breakOff(name)
    await load({ isResumed: true })
    expect(await missingIndexes()).toEqual([name])
    await (await HeldMark.set(target.database.transport(), 'emptied after the test'))?.begin()
    await abandonRestore(target.database)
    expect(await missingIndexes()).toEqual([name])
  })

  testWhere(isLeftOut, 'an index that the run before could not make is not done without', async () => {
    await breakOff()
    const transport = target.database.transport()
    const refusing: Transport = {
      ...transport,
      run: (statement) =>
        statement.text.startsWith('create index')
          ? Promise.reject(databaseError('internal', 'out of memory', { isNotApplied: true }))
          : transport.run(statement),
    }
    const indexes = new LateIndexes(refusing, { isResumed: true, mark })
    await expect(indexes.make(() => undefined)).rejects.toThrow('out of memory')
    await load({ isResumed: true })
    expect(await missingIndexes()).toEqual([])
  })

  testWhere(dialect === 'postgres', 'a reader of the table is not waited for: its indexes stay', async () => {
    const { target: url } = target
    if (url.dialect !== 'postgres') throw new Error('not PostgreSQL')
    const { host, port, user, password, database } = url
    const reader = new pg.Client({ host, port, user, password, database })
    await reader.connect()
    await reader.query('begin')
    await reader.query('select count(*) from executions')
    const made: string[] = []
    await load({ onIndex: (name) => made.push(name) })
    expect(made).toEqual([])
    await reader.query('commit')
    await reader.end()
    expect(await missingIndexes()).toEqual([])
  })
})

function tableOf(name: string): ArchiveTable {
  const table = tableNamed(name)
  if (table === undefined) throw new Error(`there is no table ${name}`)
  return table
}
