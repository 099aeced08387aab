import { expect, test } from 'vitest'
import { refuseLargeRows, withinRowLimit } from './row-limit.ts'
import { entryOf, type ArchiveRow, type RowPage } from './row.ts'
import { tableNamed } from './tables.ts'

const maxRowBytes = 200_000

function pageOf(rows: readonly ArchiveRow[]): RowPage {
  const table = tableNamed('workflow_versions')
  if (table === undefined) throw new Error('there is no such table')
  return { table, entries: rows.map(entryOf) }
}

const version = (id: string, definition: string): ArchiveRow => ({
  change_notes: null,
  created_at: '2026-01-31T09:30:00.000Z',
  created_by: null,
  definition,
  id,
  version_number: 1,
  workflow_id: id,
})

async function* pages(...rows: readonly (readonly ArchiveRow[])[]): AsyncGenerator<RowPage> {
  for (const some of rows) yield pageOf(some)
}

const small = version('small', '{}')
/** Its JSON is longer than the limit, and its row is not. */
const escaped = version('escaped', '"'.repeat(maxRowBytes - 1000))
const large = version('large', 'é'.repeat(maxRowBytes / 2))

test('rows are measured by the bytes of their values, not of their JSON', async () => {
  await refuseLargeRows(pages([small, escaped]), { maxRowBytes })
  const refused = refuseLargeRows(pages([small], [escaped, large]), { maxRowBytes })
  await expect(refused).rejects.toMatchObject({
    fault: 'row_too_large',
    why: expect.stringMatching(/^workflow_versions "large", 1 has 200,\d{3} bytes\.$/),
  })
})

test('ten of many are named, and that there are more', async () => {
  const many = Array.from({ length: 12 }, (_none, index) => version(`v${index}`, 'é'.repeat(maxRowBytes / 2)))
  const refused: unknown = await refuseLargeRows(pages(many), { maxRowBytes }).catch((thrown: unknown) => thrown)
  const { why } = refused as { why: string }
  expect(why.split('\n')).toHaveLength(11)
  expect(why).toContain('There are more.')
})

test('while they are loaded, reading stops at the page that has one', async () => {
  const seen: number[] = []
  const reading = (async () => {
    for await (const { entries } of withinRowLimit(pages([small], [large], [small]), { maxRowBytes })) {
      seen.push(entries.length)
    }
  })()
  await expect(reading).rejects.toMatchObject({ fault: 'row_too_large' })
  expect(seen).toEqual([1])
})

test('without a limit all rows pass', async () => {
  await refuseLargeRows(pages([large]), {})
  const all = pages([large])
  expect(withinRowLimit(all, {})).toBe(all)
})
