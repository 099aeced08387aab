import type { DatabaseError } from '../sql/errors.ts'
import { retried } from '../store/retry.ts'
import type { Transport } from '../sql/transport.ts'
import type { InsertPage } from './insertion.ts'
import { isWorthAgain, patience } from './patience.ts'
import { lastRowOf, rowCountOf, type ArchiveEntry, type ArchiveRow, type RowPage } from './row.ts'
import { RestoreError } from './restore-error.ts'
import { TableReader } from './source.ts'
import { describeKey, type ArchiveTable } from './tables.ts'
import { compareKeys } from './text-order.ts'

/**
 * Writes pages of rows into a database, each page once, whatever was there of it before. Pages come in order; of one
 * table several may be under way.
 */
export class RowSink {
  readonly #transport: Transport
  readonly #insert: InsertPage
  /** Whether rows of an earlier run may be there. */
  readonly #isResumed: boolean
  #table: ArchiveTable | undefined
  #begun: Promise<void> = Promise.resolve()
  #reader: TableReader | undefined
  #lastRow: ArchiveRow | undefined
  /** Rows that the table still holds from an earlier run, behind those that were met. */
  #rowsLeft = 0

  constructor(transport: Transport, insert: InsertPage, { isResumed }: { readonly isResumed: boolean }) {
    this.#transport = transport
    this.#insert = insert
    this.#isResumed = isResumed
  }

  /**
   * @returns how many rows were not there yet
   * @throws RestoreError `rows_differ` when another row is there than the page's
   * @throws DatabaseError
   */
  async write(page: RowPage): Promise<number> {
    if (page.table !== this.#table) this.#begun = this.#begin(page.table)
    const after = this.#lastRow
    this.#lastRow = lastRowOf(page)
    await this.#begun
    let conflicts = 0
    return retried(
      (previous) =>
        this.#writeOnce(page, after, this.#rowsLeft > 0 || (previous !== undefined && !isCertain(previous))),
      (error) => isWorthAgain(error) || (isConflict(error) && (conflicts += 1) === 1),
      patience,
    )
  }

  async #begin(table: ArchiveTable): Promise<void> {
    this.#table = table
    this.#lastRow = undefined
    this.#reader = new TableReader(this.#transport, table)
    this.#rowsLeft = this.#isResumed ? await this.#reader.count() : 0
  }

  async #writeOnce(page: RowPage, after: ArchiveRow | undefined, mayBeThere: boolean): Promise<number> {
    const rows = rowCountOf(page)
    const missing = mayBeThere ? await this.#missingOf(page, after) : undefined
    if (missing === undefined || missing.length === rows) {
      if (rows > 0) await this.#insert(page, { after })
      return rows
    }
    if (missing.length > 0) await this.#insert({ table: page.table, entries: missing })
    return missing.length
  }

  /** Compares what is there with the page. */
  async #missingOf({ table, entries }: RowPage, after: ArchiveRow | undefined): Promise<readonly ArchiveEntry[]> {
    const last = entries.at(-1)?.row
    if (last === undefined || this.#reader === undefined) return []
    const present = await this.#reader.range({ after, last }, entries.length + 1)
    this.#rowsLeft = Math.max(0, this.#rowsLeft - present.length)
    const missing: ArchiveEntry[] = []
    let position = 0
    for (const entry of entries) {
      const found = present[position]
      if (found !== undefined && compareKeys(table.key, found.row, entry.row) === 0) {
        if (found.text !== entry.text) throw differing(table, entry.row)
        position += 1
      } else missing.push(entry)
    }
    const stranger = present[position]
    if (stranger !== undefined) throw differing(table, stranger.row)
    return missing
  }
}

/** Nothing was applied, and nothing of an earlier attempt can be in the way. */
function isCertain(error: DatabaseError): boolean {
  return error.isNotApplied && !isConflict(error)
}

/** A key that is there may be of an attempt whose answer was lost, or of a killed process's last statement. */
function isConflict({ fault }: DatabaseError): boolean {
  return fault === 'unique_violation'
}

function differing(table: ArchiveTable, row: ArchiveRow): RestoreError {
  return new RestoreError('rows_differ', {
    what: `The database has a row that is not the one to be written: ${table.name} ${describeKey(table, row)}.`,
    why: 'The source has changed since the first run, or someone else wrote into the database.',
    fix: 'Start over: `millrace restore --abandon` empties the tables, then run it again.',
  })
}
