import { ArchiveError, type ArchiveProblem } from './archive-error.ts'
import { TablesDigester, type TableDigests } from './digest.ts'
import { References } from './references.ts'
import type { ArchiveEntry, ArchiveRow, RowPage, RowPages } from './row.ts'
import { archiveTables, type ArchiveTable } from './tables.ts'
import { compareKeys } from './text-order.ts'

/**
 * Watches rows go by in the archive's order: counts and digests them, and says what is wrong in their order and between
 * them. Values have been checked where the rows were read.
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
  *wrongHeads(isAtEnd: boolean): Generator<string> {
    const areVersionsThrough = isAtEnd || (this.#table !== undefined && positionOf(this.#table) > versionsPosition)
    if (this.#headsAreChecked || !areVersionsThrough) return
    this.#headsAreChecked = true
    yield* this.#references.wrongHeads()
  }

  finish(): TableDigests {
    return this.#digester.finish()
  }
}

const versionsPosition = archiveTables.findIndex(({ name }) => name === 'workflow_versions')

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
 * Lets a database's rows pass and checks them like an archive's.
 * @throws ArchiveError while the pages are read, at the first row that is wrong; lines count as in the archive that the
 * rows would make.
 */
export function watchRows(pages: RowPages): WatchedRows {
  const watch = new RowWatch()
  return { pages: watched(pages, watch), finish: () => watch.finish() }
}

async function* watched(pages: RowPages, watch: RowWatch): AsyncGenerator<RowPage> {
  let line = 1
  for await (const page of pages) {
    for (const entry of page.entries) {
      line += 1
      refuseFirst([...watch.faultsOf(page.table, entry), ...watch.wrongHeads(false)], line, page.table)
    }
    watch.digest(page)
    yield page
  }
  refuseFirst([...watch.wrongHeads(true)], line + 1, undefined)
}

function refuseFirst(faults: readonly string[], line: number, table: ArchiveTable | undefined): void {
  const [what] = faults
  if (what === undefined) return
  const problem: ArchiveProblem = table === undefined ? { line, what } : { line, table: table.name, what }
  throw new ArchiveError('damaged', [problem])
}
