import type { EncodedRows } from '../sql/encoded-rows.ts'
import type { Snapshot } from '../sql/snapshot.ts'
import type { Transport } from '../sql/transport.ts'
import { differingTables, TablesDigester, type TableDigests } from './digest.ts'
import { endOfRow } from './encoded-fields.ts'
import { encodedPageSize, rangeOf, type EncodedTables } from './encoded-tables.ts'
import { ownText } from './raw-rows.ts'
import { lastRowOf, rowCountOf, type RowPage } from './row.ts'
import { RestoreError } from './restore-error.ts'
import { createSha256 } from './sha256.ts'
import { TableReader, type RowRange } from './source.ts'
import { archiveTables, type ArchiveTable, type ArchiveTableName } from './tables.ts'

interface ProvenPage extends RowRange {
  readonly table: ArchiveTable
  readonly rows: number
  /** Of the rows as text, or of their encoding. */
  readonly sha256: string
  readonly isEncoded: boolean
}

/** A database that can say of its rows how it encodes them. */
export interface EncodedTarget {
  readonly tables: EncodedTables
  /** Opens what they are read by. */
  open(): Promise<Snapshot>
}

export interface ProofOptions {
  /** Told of rows that were found as they were written. */
  readonly onProven?: ((rows: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Pages whose digests the database is asked for at the same time. */
const provenAtOnce = 3

/**
 * Proves that a database holds what was written to it: the digest of each page's rows is asked of the database when all
 * is written. A page's digest is of its values as that database writes them as text, or of the rows as it encodes them where
 * they came so encoded from another; then it sends them, which costs it less than to digest them. Together the pages are the table's rows,
 * whose digest by RFC 8785 was made of the same values as they were written.
 */
export class Proof {
  readonly #transport: Transport
  readonly #encoded: EncodedTarget | undefined
  readonly #digester = new TablesDigester()
  /** One of thousands of rows: their keys and digests are all that is held. */
  readonly #pages: ProvenPage[] = []
  #reader: TableReader | undefined

  constructor(transport: Transport, encoded?: EncodedTarget) {
    this.#transport = transport
    this.#encoded = encoded
  }

  /** Takes note of a page that was written. */
  add(page: RowPage): void {
    const { table } = page
    const last = lastRowOf(page)
    if (last === undefined) return
    this.#digester.add(page)
    const before = this.#pages.at(-1)
    const after = before?.table === table ? before.last : undefined
    const form = this.#encoded?.tables.has(table.name) === true ? page.encoded : undefined
    const sha256 = form?.sha256 ?? this.#readerOf(table).digestOf(page.entries)
    const range = { after, last: keyOf(table, last) }
    this.#pages.push({ table, ...range, rows: rowCountOf(page), sha256, isEncoded: form !== undefined })
  }

  #readerOf(table: ArchiveTable): TableReader {
    if (this.#reader?.table !== table) this.#reader = new TableReader(this.#transport, table)
    return this.#reader
  }

  /**
   * Compares what was written with what was to be written, then the database with both.
   * @throws RestoreError `proof_failed`
   * @throws DatabaseError
   */
  async complete(expected: TableDigests, options: ProofOptions): Promise<void> {
    const written = this.#digester.finish()
    const differing = differingTables(expected, written)
    if (differing.length > 0) throw failed(differing.map((name) => `${name} was written in part or changed on its way`))
    await this.#completeEncoded(options)
    for (const table of archiveTables)
      await this.#completeTable(new TableReader(this.#transport, table), table, options)
    for (const table of archiveTables) {
      const rows = await new TableReader(this.#transport, table).count()
      if (rows === expected[table.name].rows) continue
      throw failed([`${table.name} has ${rows} rows instead of ${expected[table.name].rows}`])
    }
  }

  /** Whole tables are read at once: a table's pages are all encoded, or none. */
  async #completeEncoded({ onProven, signal }: ProofOptions): Promise<void> {
    const encoded = this.#pages.filter(({ isEncoded }) => isEncoded)
    if (this.#encoded === undefined || encoded.length === 0) return
    const snapshot = await this.#encoded.open()
    try {
      for (const table of new Set(encoded.map((page) => page.table))) {
        const pages = encoded.filter((page) => page.table === table)
        for await (const page of foundPages(snapshot, table, pages)) {
          signal?.throwIfAborted()
          onProven?.(page.rows)
        }
      }
    } finally {
      await snapshot.close()
    }
  }

  async #completeTable(reader: TableReader, table: ArchiveTable, { onProven, signal }: ProofOptions): Promise<void> {
    const pages = this.#pages.filter((page) => page.table === table && !page.isEncoded)
    const prove = async () => {
      for (let page = pages.shift(); page !== undefined; page = pages.shift()) {
        signal?.throwIfAborted()
        if (!(await isThere(reader, page)))
          throw failed([`${table.name} has another digest ${placeOf(table.name, page)}`])
        onProven?.(page.rows)
      }
    }
    // After a failure the others end with the page that they are at.
    const proveOrEnd = () =>
      prove().catch((thrown: unknown) => {
        pages.length = 0
        throw thrown
      })
    const proofs = Array.from({ length: provenAtOnce }, proveOrEnd)
    await Promise.allSettled(proofs)
    await Promise.all(proofs)
  }
}

/**
 * Tells the pages whose encoded rows are there as they were written.
 * @throws RestoreError `proof_failed` at the first that is not
 */
async function* foundPages(
  { readEncoded }: Snapshot,
  table: ArchiveTable,
  pages: readonly ProvenPage[],
): AsyncGenerator<ProvenPage> {
  if (readEncoded === undefined) throw new TypeError('the database does not encode its rows')
  const digester = new PagesDigester(pages)
  for await (const rows of readEncoded(rangeOf(table), encodedPageSize)) {
    for (const { page, sha256 } of digester.add(rows)) {
      if (sha256 !== page.sha256) throw failed([`${table.name} has another digest ${placeOf(table.name, page)}`])
      yield page
    }
    rows.release?.()
  }
  const missing = digester.next
  if (missing !== undefined) throw failed([`${table.name} has too few rows ${placeOf(table.name, missing)}`])
}

/** Digests encoded rows page by page: of each page as many rows as were written with it. */
class PagesDigester {
  readonly #pages: readonly ProvenPage[]
  #at = 0
  #rows = 0
  #hash = createSha256()

  constructor(pages: readonly ProvenPage[]) {
    this.#pages = pages
  }

  /** The first page that is not whole yet; undefined behind the last. */
  get next(): ProvenPage | undefined {
    return this.#pages[this.#at]
  }

  /** Takes rows in order, and tells the digest of each page that is whole with them. Rows behind the last page are counted by others. */
  *add({ bytes }: EncodedRows): Generator<{ readonly page: ProvenPage; readonly sha256: string }> {
    let from = 0
    for (let at = 0; at < bytes.length && this.next !== undefined;) {
      at = endOfRow(bytes, at)
      this.#rows += 1
      const page = this.next
      if (this.#rows < page.rows) continue
      this.#hash.update(bytes.subarray(from, at))
      yield { page, sha256: this.#hash.hex() }
      from = at
      this.#hash = createSha256()
      this.#rows = 0
      this.#at += 1
    }
    this.#hash.update(bytes.subarray(from))
  }
}

/** By the digest of what the database writes; where that is another, by the rows' values. */
async function isThere(reader: TableReader, page: ProvenPage): Promise<boolean> {
  const found = await reader.digest(page, page.rows + 1)
  if (found.rows === page.rows && found.sha256 === page.sha256) return true
  const entries = await reader.range(page, page.rows + 1)
  return entries.length === page.rows && reader.digestOf(entries) === page.sha256
}

function keyOf({ key }: ArchiveTable, row: RowRange['last']): RowRange['last'] {
  return Object.fromEntries(
    key.map((name) => {
      const value = row[name] ?? null
      return [name, typeof value === 'string' ? ownText(value) : value]
    }),
  )
}

function placeOf(table: ArchiveTableName, { last }: ProvenPage): string {
  return `in the rows up to ${table} ${Object.values(last)
    .map((value) => JSON.stringify(value))
    .join(', ')}`
}

function failed(reasons: readonly string[]): RestoreError {
  return new RestoreError('proof_failed', {
    what: `The database does not hold what was to be written: ${reasons.join('; ')}.`,
    why: 'Its own digests differ from the expected ones. It stays marked and serves nothing.',
    fix: 'Empty it with `millrace restore --abandon`, and report this if it happens again.',
  })
}
