import { ArchiveError, type ArchiveProblem } from './archive-error.ts'
import { TablesDigester, type TableDigests } from './digest.ts'
import { EncodedCheck } from './encoded-check.ts'
import { endOfRow } from './encoded-fields.ts'
import { References } from './references.ts'
import { entryOf, type ArchiveEntry, type ArchiveRow, type EncodedForm, type RowPage, type RowPages } from './row.ts'
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

  /** What checks encoded rows of the table in its stead; undefined where nothing can. */
  checkOf(table: ArchiveTable, form: EncodedForm): EncodedCheck | undefined {
    return EncodedCheck.of(table, form, this.#references)
  }

  /** Takes a row of the table before that others were judged in its stead up to. */
  follow(row: ArchiveRow): void {
    this.#last = row
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
  const judge = new PageJudge(watch)
  for await (const page of pages) {
    judge.judge(page)
    watch.digest(page)
    yield page
  }
  judge.end()
}

/** Refuses what no archive can hold. */
class PageJudge {
  readonly #watch: RowWatch
  #table: ArchiveTable | undefined
  #check: EncodedCheck | undefined
  /** Of the archive that the rows would make; the head is the first. */
  #line = 1

  constructor(watch: RowWatch) {
    this.#watch = watch
  }

  /** @throws ArchiveError */
  judge(page: RowPage): void {
    const { table, encoded } = page
    const isFirst = table !== this.#table
    this.#table = table
    if (isFirst) this.#check = encoded === undefined ? undefined : this.#watch.checkOf(table, encoded)
    if (encoded !== undefined && this.#check !== undefined)
      return this.#judgeEncoded(page, encoded, this.#check, isFirst)
    for (const entry of page.entries) this.#judgeRow(table, entry)
  }

  end(): void {
    refuseWrongHead(this.#watch.wrongHeads(true), this.#line + 1)
  }

  /** By bytes; a row that these do not say to be right is made and judged by its values, as the first of its table is. */
  #judgeEncoded(page: RowPage, form: EncodedForm, check: EncodedCheck, isFirst: boolean): void {
    const { bytes } = form
    check.begin()
    let before = -1
    let isFollowed = true
    for (let at = 0; at < bytes.length; at = endOfRow(bytes, at)) {
      const isPassed = !(isFirst && at === 0) && check.passes(bytes, at)
      if (isPassed) this.#line += 1
      else {
        if (!isFollowed) this.#watch.follow(form.rowAt(before))
        const row = form.rowAt(at)
        const entry = entryOf(row)
        this.#judgeRow(page.table, entry)
        check.take(bytes, at, entry.text)
      }
      isFollowed = !isPassed
      before = at
    }
    this.#watch.follow(form.last)
    form.digested = check.end()
  }

  #judgeRow(table: ArchiveTable, entry: ArchiveEntry): void {
    this.#line += 1
    const fault = firstFaultOfValues(table, entry.row) ?? this.#watch.faultsOf(table, entry)[0]
    if (fault !== undefined) throw refused(this.#line, table, `${describeKey(table, entry.row)}: ${fault}`)
    refuseWrongHead(this.#watch.wrongHeads(false), this.#line)
  }
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
