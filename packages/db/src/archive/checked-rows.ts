import { ArchiveError, type ArchiveProblem } from './archive-error.ts'
import { TablesDigester, type TableDigests } from './digest.ts'
import { References } from './references.ts'
import type { ArchiveEntry, ArchiveRow, RowPage, RowPages } from './row.ts'
import { archiveTables, describeKey, tableNamed, type ArchiveTable } from './tables.ts'
import { compareKeys } from './text-order.ts'
import { faultOfValue } from './values.ts'

/**
 * Watches rows go by in the archive's order: counts and digests them, and says what is wrong in their order and between
 * them.
 */
export class RowWatch {
  readonly #digester = new TablesDigester()
  readonly #references = new References()
  #table: ArchiveTable | undefined
  #last: ArchiveRow | undefined
  #headsAreChecked = false

  /** Takes one row and says what is wrong with it. */
  faultsOf(table: ArchiveTable, { row }: ArchiveEntry): readonly string[] {
    const faults: string[] = []
    if (table !== this.#table) {
      if (this.#table !== undefined && positionOf(table) < positionOf(this.#table)) {
        faults.push(`${table.name} stands behind ${this.#table.name}`)
      }
      this.#table = table
    } else if (this.#last !== undefined) {
      const order = compareKeys(table.key, this.#last, row)
      if (order === 0) faults.push('the row is there twice')
      if (order > 0) faults.push('the row is out of order')
    }
    this.#last = row
    faults.push(...this.#references.add(table.name, row))
    return faults
  }

  digest(page: RowPage): void {
    this.#digester.add(page)
  }

  /** Once the versions are through: wrong heads, each told once. */
  wrongHeads(isAtEnd: boolean): Iterable<string> {
    const areVersionsThrough = isAtEnd || (this.#table !== undefined && positionOf(this.#table) > versionsPosition)
    if (this.#headsAreChecked || !areVersionsThrough) return []
    this.#headsAreChecked = true
    return this.#references.wrongHeads()
  }

  finish(): TableDigests {
    return this.#digester.finish()
  }
}

const versionsTable = tableNamed('workflow_versions')
const versionsPosition = versionsTable === undefined ? -1 : archiveTables.indexOf(versionsTable)

function positionOf(table: ArchiveTable): number {
  return archiveTables.indexOf(table)
}

/** A database's rows, watched as they pass. */
export interface WatchedRows {
  readonly pages: RowPages
  /** The digests; to be asked when the pages have been read to their end. */
  finish(): TableDigests
}

/**
 * Lets a database's rows pass and checks them like an archive's, values too: what is written must be readable.
 * @throws ArchiveError while the pages are read, at the first row that no archive can hold; lines count as in the archive
 * that the rows would make.
 */
export function watchRows(pages: RowPages): WatchedRows {
  const watch = new RowWatch()
  return { pages: watched(pages, watch), finish: () => watch.finish() }
}

async function* watched(pages: RowPages, watch: RowWatch): AsyncGenerator<RowPage> {
  let line = 1
  for await (const page of pages) {
    const { table, entries } = page
    for (const entry of entries) {
      line += 1
      const fault = firstFaultOfValues(table, entry.row) ?? watch.faultsOf(table, entry)[0]
      if (fault !== undefined) throw refused(line, table, `${describeKey(table, entry.row)}: ${fault}`)
      refuseWrongHead(watch.wrongHeads(false), line)
    }
    watch.digest(page)
    yield page
  }
  refuseWrongHead(watch.wrongHeads(true), line + 1)
}

function firstFaultOfValues({ columns }: ArchiveTable, row: ArchiveRow): string | undefined {
  for (const column of columns) {
    const fault = faultOfValue(column, row[column.name])
    if (fault !== undefined) return `${column.name} ${fault}`
  }
  return undefined
}

function refuseWrongHead([what]: Iterable<string>, line: number): void {
  if (what !== undefined) throw refused(line, versionsTable, what)
}

function refused(line: number, table: ArchiveTable | undefined, what: string): ArchiveError {
  const problem: ArchiveProblem = table === undefined ? { line, what } : { line, table: table.name, what }
  return new ArchiveError('rows_refused', [problem])
}
