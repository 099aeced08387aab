import type { ArchiveTable } from './tables.ts'

export type ArchiveValue = string | number | boolean | null

/** A row's values by column, its members in the table's order of columns. */
export type ArchiveRow = Readonly<Record<string, ArchiveValue>>

/** A row and its text by RFC 8785, which its table's digest is made of. */
export interface ArchiveEntry {
  readonly row: ArchiveRow
  readonly text: string
}

/** Rows of one table, in order; a table can be many pages, and an empty one is none. */
export interface RowPage {
  readonly table: ArchiveTable
  readonly entries: readonly ArchiveEntry[]
}

/** Rows in the archive's order: tables as they stand in it, each by its primary key. */
export type RowPages = AsyncIterable<RowPage>

/**
 * A row as an entry. RFC 8785 orders members by UTF-16 code units, as the table's columns are, and writes strings and
 * numbers as ECMAScript does: for flat rows of strings, safe integers, flags and nulls, JSON.stringify is that text.
 * https://www.rfc-editor.org/rfc/rfc8785
 */
export function entryOf(row: ArchiveRow): ArchiveEntry {
  return { row, text: JSON.stringify(row) }
}
