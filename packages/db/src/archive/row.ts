import type { EncodedRows } from '../sql/encoded-rows.ts'
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
  /** The same rows as they were read, where no entries are needed: these are made when they are asked for. */
  readonly encoded?: EncodedForm | undefined
}

export interface EncodedForm extends EncodedRows {
  /** Columns of documents, each of which the database itself has parsed. */
  readonly parsed: ReadonlySet<string>
  readonly last: ArchiveRow
  /** The row that begins there. */
  rowAt(at: number): ArchiveRow
  /** Of the bytes. */
  readonly sha256: string
  /** Where a check has digested the rows' texts with those of the pages before. */
  digested: DigestedLines | undefined
}

/** A page's place among those whose rows' texts, each followed by LF, have gone into one digest. */
export interface DigestedLines {
  readonly digest: { readonly pages: number; hex(): string }
  /** From 1. */
  readonly number: number
}

export function rowCountOf(page: RowPage): number {
  return page.encoded?.rows ?? page.entries.length
}

export function lastRowOf(page: RowPage): ArchiveRow | undefined {
  return page.encoded === undefined ? page.entries.at(-1)?.row : page.encoded.last
}

/** The length of a page's text, about. */
export function charactersOf(page: RowPage): number {
  return page.encoded?.bytes.length ?? page.entries.reduce((sum, { text }) => sum + text.length, 0)
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

/**
 * A row that is made of what was read when it is asked for. Kept for every row of the pages that are under way, rows and their
 * JSON would be most of what the garbage collector moves.
 */
export abstract class ReadEntry implements ArchiveEntry {
  #row: ArchiveRow | undefined
  #text: string | undefined

  protected abstract read(): ArchiveRow

  get row(): ArchiveRow {
    return (this.#row ??= this.read())
  }

  get text(): string {
    return (this.#text ??= entryOf(this.row).text)
  }

  forget(): void {
    this.#row = undefined
    this.#text = undefined
  }
}

/** Lets go of what can be made again, once only the rows' values are of use. */
export function forgetRows(entries: readonly ArchiveEntry[]): void {
  for (const entry of entries) if (entry instanceof ReadEntry) entry.forget()
}
