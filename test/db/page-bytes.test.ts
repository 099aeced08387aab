import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { UserCaller } from '@millrace/db/access/access'
import { listEntries } from '@millrace/db/repositories/executions/entries'
import { listExecutions, listQuery } from '@millrace/db/repositories/executions/list'
import { listWorkflows } from '@millrace/db/repositories/workflows/list'
import { listVersions } from '@millrace/db/repositories/workflows/versions'
import type { Keyset } from '@millrace/db/sql/keyset'
import type { Cut } from '@millrace/db/sql/page-bytes'
import type { Store } from '@millrace/db/store/store'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { after, createUser, createWorkflow, startExecution } from '../executions/kit.ts'

const mebibyte = 1024 * 1024

/*
 * A page is cut where the database reads it: what it has no room for is not sent to the function, whose memory holds
 * several answers at once.
 */
describeDialectsByTest((dialect) => {
  let reached: ReachedDatabase
  let store: Store
  let me: UserCaller
  let workflowId: string
  beforeAll(async () => {
    reached = await reachDatabase(dialect)
    store = reached.database.store()
    me = await createUser(store)
    workflowId = await createWorkflow(store, me)
  })
  afterAll(() => reached.stop())

  /** As many bytes of text; of a document, as a string. */
  const text = (bytes: number) => {
    const string = `concat('"', ${repeated(bytes - 2)}, '"')`
    return dialect === 'postgres' ? `cast(${string} as json)` : string
  }
  const repeated = (bytes: number) =>
    dialect === 'sqlite' ? `substr(hex(zeroblob(${bytes})), 1, ${bytes})` : `repeat('0', ${bytes})`

  async function pagesOf<Row>(
    list: (after: Keyset | undefined) => Promise<{ readonly ok: boolean; readonly value?: Cut<Row> }>,
    limit: number,
    keysetOf: (row: Row) => Keyset,
  ): Promise<readonly number[]> {
    const sizes: number[] = []
    for (let position: Keyset | undefined; ;) {
      const { value } = await list(position)
      const page = value?.rows.slice(0, limit) ?? []
      sizes.push(page.length)
      const last = page.at(-1)
      if (last === undefined || value === undefined || !(value.isCut || value.rows.length > limit)) return sizes
      position = keysetOf(last)
    }
  }

  test('executions with long errors, and nothing of those beyond is sent', async () => {
    for (let count = 0; count < 5; count += 1) await startExecution(store, me, workflowId, { createdAt: after(count) })
    await reached.raw.query(`update executions set error = ${text(3 * mebibyte)} where workflow_id = '${workflowId}'`)
    const listing = { statuses: [], limit: 4 }
    const list = (from: Keyset | undefined) => listExecutions(store, me, { ...listing, after: from })
    expect(await pagesOf(list, 4, ({ createdAt, id }) => ({ at: createdAt, id }))).toEqual([2, 2, 1])
    const rows = await store.read(listQuery(store.dialect, me, listing))
    expect(rows).toHaveLength(5)
    expect(JSON.stringify(rows).length).toBeLessThan(8.1 * mebibyte)
  })

  test('one that is too long for a page alone is a page', async () => {
    const owner = await createUser(store)
    const id = await createWorkflow(store, owner)
    for (let count = 0; count < 2; count += 1) await startExecution(store, owner, id, { createdAt: after(count) })
    await reached.raw.query(`update executions set error = ${text(9 * mebibyte)} where workflow_id = '${id}'`)
    const list = (from: Keyset | undefined) => listExecutions(store, owner, { statuses: [], limit: 10, after: from })
    expect(await pagesOf(list, 10, ({ createdAt, id: last }) => ({ at: createdAt, id: last }))).toEqual([1, 1])
  })

  test('workflows with long descriptions, owned and shared', async () => {
    const owner = await createUser(store)
    for (let count = 0; count < 5; count += 1) await createWorkflow(store, owner)
    await reached.raw.query(
      `update workflows set description = ${repeated(3 * mebibyte)} where owner_id = '${owner.userId}'`,
    )
    const of = (scope: 'owned' | 'all') => (from: Keyset | undefined) =>
      listWorkflows(store, owner, { scope, order: 'createdAt', limit: 50, after: from })
    for (const scope of ['owned', 'all'] as const) {
      expect(await pagesOf(of(scope), 50, ({ createdAt, id }) => ({ at: createdAt, id }))).toEqual([2, 2, 1])
    }
  })

  test('versions with long notes, as an adopted database may have them', async () => {
    const id = await createWorkflow(store, me)
    for (const number of [2, 3]) {
      await reached.raw.query(
        `insert into workflow_versions (id, workflow_id, version_number, definition, change_notes, created_by, created_at)
          select '${randomUUID()}', workflow_id, ${number}, definition, ${repeated(5 * mebibyte)}, created_by, created_at
          from workflow_versions where workflow_id = '${id}' and version_number = 1`,
      )
    }
    const newest = await listVersions(store, me, id, { limit: 10 })
    expect(newest.ok && newest.value.rows.map(({ versionNumber }) => versionNumber)).toEqual([3])
    expect(newest.ok && newest.value.isCut).toBe(true)
    const older = await listVersions(store, me, id, { limit: 10, below: 3 })
    expect(older.ok && older.value.rows.map(({ versionNumber }) => versionNumber)).toEqual([2, 1])
    expect(older.ok && older.value.isCut).toBe(false)
  })

  test('the history tells of steps without their outputs', async () => {
    const { id } = await startExecution(store, me, workflowId)
    await reached.raw.query(`update execution_history set output = ${text(100)} where execution_id = '${id}'`)
    const told = await listEntries(store, me, id, { of: 'history', afterSeq: 0, limit: 10 })
    expect(told.ok && told.value.entries).toMatchObject([{ type: 'created', output: null }])
  })
})
