import { createHash } from 'node:crypto'
import { archiveTables, tableOfSchema } from '@millrace/db/archive/tables'
import { afterEach, expect, test } from 'vitest'
import { reachDatabase, type ReachedDatabase } from '../database.ts'
import { describeDialectsInTurn } from '../dialects.ts'
import { archiveOf, archiveOfLines, fill, linesOf, restored, verified } from './archives.ts'

const opened: ReachedDatabase[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((reached) => reached.stop()))
})

type Row = Readonly<Record<string, unknown>>

/** An archive as the first schema's version wrote it, of the same rows. */
function ofFirstSchema(lines: readonly string[]): Buffer {
  const digests = new Map(
    archiveTables.filter(({ since }) => since === 1).map(({ name }) => [name, { rows: 0, hash: createHash('sha256') }]),
  )
  const rows = lines.slice(1, -1).flatMap((line) => {
    const { t, r } = JSON.parse(line) as { t: string; r: Row }
    const table = tableOfSchema(t, 1)
    const digest = table && digests.get(table.name)
    if (table === undefined || digest === undefined) return []
    const text = JSON.stringify(Object.fromEntries(table.columns.map(({ name }) => [name, r[name]])))
    digest.rows += 1
    digest.hash.update(`${text}\n`)
    return [`{"t":"${t}","r":${text}}`]
  })
  const tables = Object.fromEntries(
    [...digests].map(([name, { rows: count, hash }]) => [name, { rows: count, sha256: hash.digest('hex') }]),
  )
  const head = (lines[0] ?? '').replace(/"schema":\d+/, '"schema":1')
  return archiveOfLines([head, ...rows, JSON.stringify({ end: true, tables })])
}

describeDialectsInTurn((dialect) => {
  test('an archive of the first schema restores; what it did not know is null or empty', async () => {
    const [source, target] = [await reachDatabase(dialect), await reachDatabase(dialect)]
    opened.push(source, target)
    await fill(source.database, { users: 6, workflows: 12, executions: 40 })
    const old = ofFirstSchema(linesOf(await archiveOf(source.database)))
    const verdict = await verified(old)
    expect(verdict).toMatchObject({ isWhole: true, archive: { head: { source: { schema: 1 } } } })
    const loaded = await restored(target.database, old)
    expect(loaded).toMatchObject({ executions: { rows: 40 }, execution_history: { rows: 0 }, audit: { rows: 0 } })
    const known = await target.raw.query(
      'select count(*) as n from executions where wait_for is null and schedule_id is null and last_seq = 0',
    )
    expect(Number(known[0]?.['n'])).toBe(40)
    // The digests that were proven are those that the new database's own archive has.
    expect(await verified(await archiveOf(target.database))).toMatchObject({ archive: { tables: loaded } })
  })
})
