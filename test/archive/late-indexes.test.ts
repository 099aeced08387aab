import { abandonRestore, loadRows, type LoadOptions } from '@millrace/db/archive/load'
import { LateIndexes } from '@millrace/db/archive/late-indexes'
import { tableNamed } from '@millrace/db/archive/tables'
import { findDrift } from '@millrace/db/drift'
import { databaseError } from '@millrace/db/errors'
import type { Transport } from '@millrace/db/transport'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialects, testWhere } from '../dialects.ts'
import { watchedSample } from './sample.ts'

const size = { users: 5, workflows: 10, executions: 1200 }
const executions = tableNamed('executions')
const late = [
  'executions_workflow_id_created_at_id_index',
  'executions_user_id_created_at_id_index',
  'executions_created_at_id_index',
  'executions_status_due_at_created_at_id_index',
  'executions_workflow_id_status_due_at_created_at_id_index',
  'executions_status_lease_until_id_index',
]

describeDialects((dialect) => {
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
  async function breakOff(): Promise<void> {
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
    expect(await missingIndexes()).toEqual(isLeftOut ? late.slice(2) : [])
  }

  testWhere(isLeftOut, 'who has lost the mark drops none', async () => {
    if (executions === undefined) throw new Error('there is no such table')
    const ensureHeld = () => Promise.reject(new Error('taken over'))
    const indexes = new LateIndexes(target.database.transport(), { isResumed: false, ensureHeld, from: 100 })
    await expect(indexes.wrote(executions, 100)).rejects.toThrow('taken over')
    expect(await missingIndexes()).toEqual([])
  })

  test('who may not make indexes loses none', async () => {
    if (executions === undefined) throw new Error('there is no such table')
    const transport = target.database.transport()
    const denied: Transport = {
      ...transport,
      transact: () => Promise.reject(databaseError('internal', 'must be owner of index', { isNotApplied: true })),
    }
    const indexes = new LateIndexes(denied, { isResumed: false, ensureHeld: () => Promise.resolve(), from: 100 })
    await indexes.wrote(executions, 100)
    await indexes.wrote(executions, 1000)
    expect(await missingIndexes()).toEqual([])
  })
})
