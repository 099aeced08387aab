import { bytesBesideText } from '../sql/row-size.ts'
import type { TransportLimits } from '../sql/transport.ts'
import { withDerived } from './insertion.ts'
import { RestoreError } from './restore-error.ts'
import type { ArchiveEntry, ArchiveRow, RowPage, RowPages } from './row.ts'
import { describeKey, type ArchiveTable } from './tables.ts'

type RowLimit = Pick<TransportLimits, 'maxRowBytes'>

interface LargeRow {
  readonly table: ArchiveTable
  readonly row: ArchiveRow
  readonly bytes: number
}

/** Rows that a refusal names. */
const mostNamed = 10

/**
 * Reads rows to their end, before any of them is written, and refuses those that are larger than the target takes.
 * @throws RestoreError `row_too_large`, and whatever the pages throw
 */
export async function refuseLargeRows(pages: RowPages, { maxRowBytes }: RowLimit): Promise<void> {
  if (maxRowBytes === undefined) return
  const found: LargeRow[] = []
  for await (const page of pages) {
    found.push(...largeRowsOf(page, maxRowBytes))
    if (found.length > mostNamed) break
  }
  refuse(found, maxRowBytes)
}

/**
 * The same pages; reading them stops at the first row that is larger than the target takes. For rows that could not be
 * looked at before, or that have changed since.
 * @throws RestoreError `row_too_large`
 */
export function withinRowLimit(pages: RowPages, { maxRowBytes }: RowLimit): RowPages {
  return maxRowBytes === undefined ? pages : limited(pages, maxRowBytes)
}

async function* limited(pages: RowPages, maxRowBytes: number): AsyncGenerator<RowPage> {
  for await (const page of pages) {
    refuse(largeRowsOf(page, maxRowBytes), maxRowBytes)
    yield page
  }
}

function largeRowsOf(page: RowPage, maxRowBytes: number): readonly LargeRow[] {
  // A character has three bytes at most, and a key up to 18 times as many as its name: most rows need not be measured.
  const long = page.entries.filter(({ text }) => text.length * 3 + longestKeys > maxRowBytes)
  if (long.length === 0) return []
  const { columns, entries } = withDerived({ ...page, entries: long })
  return entries.flatMap((entry) => {
    const bytes = bytesOf(columns, entry)
    return bytes > maxRowBytes ? [{ table: page.table, row: entry.row, bytes }] : []
  })
}

/** More than the keys of a row's names can have together. */
const longestKeys = 100_000
const encoder = new TextEncoder()

function bytesOf(columns: ArchiveTable['columns'], { row }: ArchiveEntry): number {
  return columns.reduce((sum, { name }) => {
    const value = row[name]
    return sum + bytesBesideText + (typeof value === 'string' ? encoder.encode(value).length : 0)
  }, 0)
}

function refuse(found: readonly LargeRow[], maxRowBytes: number): void {
  if (found.length === 0) return
  const named = found.slice(0, mostNamed).map(({ table, row, bytes }) => {
    return `${table.name} ${describeKey(table, row)} has ${bytes.toLocaleString('en-US')} bytes.`
  })
  const more = found.length > mostNamed ? ['There are more.'] : []
  throw new RestoreError('row_too_large', {
    what: `The target allows at most ${maxRowBytes.toLocaleString('en-US')} bytes in a row, and the source has larger rows.`,
    why: [...named, ...more].join('\n'),
    fix: 'Shorten the documents of these rows in the source, or choose another database as the target: SQLite, libSQL, PostgreSQL and MySQL take them.',
  })
}
