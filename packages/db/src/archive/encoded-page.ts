import type { EncodedRows } from '../sql/encoded-rows.ts'
import { decodeRow, EncodedFields, endOfRow } from './encoded-fields.ts'
import {
  ReadEntry,
  type ArchiveEntry,
  type ArchiveRow,
  type DigestedLines,
  type EncodedForm,
  type RowPage,
} from './row.ts'
import { sha256Of } from './sha256.ts'
import type { ArchiveTable } from './tables.ts'

/** A table whose rows a database encodes as they are understood here. */
export interface EncodedTable {
  readonly table: ArchiveTable
  /** Columns of documents, each of which the database itself has parsed. */
  readonly parsed: ReadonlySet<string>
}

/** A page as a database has encoded it. Rows are made of it where someone asks for them. */
export class EncodedPage implements RowPage, EncodedForm {
  readonly table: ArchiveTable
  readonly rows: number
  bytes: Uint8Array
  readonly parsed: ReadonlySet<string>
  digested: DigestedLines | undefined
  readonly #release: () => void
  #last: ArchiveRow | undefined
  #sha256: string | undefined
  #entries: readonly ArchiveEntry[] | undefined

  constructor({ table, parsed }: EncodedTable, encoded: EncodedRows) {
    this.table = table
    this.parsed = parsed
    this.rows = encoded.rows
    this.bytes = encoded.bytes
    this.#release = () => encoded.release?.()
  }

  get encoded(): EncodedForm {
    return this
  }

  get last(): ArchiveRow {
    return (this.#last ??= this.rowAt(this.#places().at(-1) ?? 0))
  }

  get sha256(): string {
    return (this.#sha256 ??= sha256Of(this.bytes))
  }

  get entries(): readonly ArchiveEntry[] {
    return (this.#entries ??= this.#places().map((at) => new EncodedEntry(this, at)))
  }

  /** No rows can be made afterwards, but of what was made before. */
  release(): void {
    this.bytes = released
    this.#release()
  }

  /** The row that begins there. */
  rowAt(at: number): ArchiveRow {
    const fields = new EncodedFields(this.table.columns.length)
    if (!fields.find(this.bytes, at))
      throw new TypeError(`the database sent a row of ${this.table.name} in another form`)
    return decodeRow(this.table, fields)
  }

  #places(): number[] {
    const places: number[] = []
    for (let at = 0; at < this.bytes.length; at = endOfRow(this.bytes, at)) places.push(at)
    return places
  }
}

const released = new Uint8Array()

class EncodedEntry extends ReadEntry {
  readonly #page: EncodedPage
  readonly #at: number

  constructor(page: EncodedPage, at: number) {
    super()
    this.#page = page
    this.#at = at
  }

  protected override read(): ArchiveRow {
    return this.#page.rowAt(this.#at)
  }
}
