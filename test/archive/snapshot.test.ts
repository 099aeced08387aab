import { openSource } from '@millrace/db/archive/dump'
import { watchRows } from '@millrace/db/archive/checked-rows'
import type { TableDigests } from '@millrace/db/archive/digest'
import { readRows } from '@millrace/db/archive/source'
import { openDatabase } from '@millrace/drivers/open'
import { startGateway } from '@millrace/gateway'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { archiveOf, fill, verified } from './archives.ts'

describeDialectsByTest((dialect) => {
  let source: ReachedDatabase
  let before: TableDigests

  beforeAll(async () => {
    source = await reachDatabase(dialect)
    before = await fill(source.database, { users: 8, workflows: 20, executions: 600 })
  })

  afterAll(() => source.stop())

  test('what is read is of one moment, whatever is written meanwhile', async () => {
    const opened = await openSource(source.database, 'snapshot')
    const rows = watchRows(opened.pages)
    let pages = 0
    for await (const { table } of rows.pages) {
      pages += 1
      await source.raw.query(`update workflows set name = 'changed ${pages} ${table.name}', revision = 7`)
      await source.raw.query(
        'delete from executions where id in (select id from (select id from executions where id not in (select execution_id from execution_history) limit 50) e)',
      )
    }
    await opened.close()
    expect(pages).toBeGreaterThan(5)
    expect(rows.finish()).toEqual(before)
    const after = await verified(await archiveOf(source.database))
    expect(after.isWhole && after.archive.tables.executions.rows).toBeLessThan(600)
  })

  // Thousands of pages of a row or two, each of which is a request of its own.
  test('pages of any size give the same rows', { timeout: 120_000 }, async () => {
    const database = source.database.transport()
    const [all, ...others] = await Promise.all(
      [
        { rows: 1000, bytes: 1024 * 1024 },
        { rows: 7, bytes: 1024 * 1024 },
        { rows: 50, bytes: 300 },
      ].map(async (limits) => {
        const watch = watchRows(readRows(database, limits))
        let longest = 0
        for await (const { entries } of watch.pages) longest = Math.max(longest, entries.length)
        expect(longest).toBeLessThanOrEqual(limits.rows)
        return watch.finish()
      }),
    )
    for (const digests of others) expect(digests).toEqual(all)
  })

  test('table by table gives the same rows of a database at rest', async () => {
    const [one, other] = await Promise.all([
      verified(await archiveOf(source.database)),
      verified(await archiveOf(source.database, { consistency: 'table' })),
    ])
    expect(one.isWhole && one.archive.tables).toEqual(other.isWhole && other.archive.tables)
    expect(other).toMatchObject({ archive: { head: { consistency: 'table' } } })
  })

  test('what breaks the promises of an archive is not written as one', async () => {
    await source.raw.query('update workflows set definition = \'{"not":"the newest version"}\'')
    await expect(archiveOf(source.database)).rejects.toMatchObject({ name: 'ArchiveError', fault: 'rows_refused' })
  })
})

test('a snapshot that the platform ends is told, with the way out', async () => {
  const source = await reachDatabase('mysql')
  const gateway = await startGateway({ target: source.target, limits: { transactionIdleSeconds: 0 } })
  try {
    const database = await openDatabase({ target: source.target, gatewayUrl: gateway.url })
    await expect(openSource(database, 'snapshot')).rejects.toMatchObject({
      fault: 'database_timeout',
      fix: expect.stringContaining('--consistency table'),
    })
  } finally {
    await gateway.close()
    await source.stop()
  }
})
