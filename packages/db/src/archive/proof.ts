import type { Transport } from '../sql/transport.ts'
import { differingTables, TablesDigester, type TableDigests } from './digest.ts'
import { ownText } from './raw-rows.ts'
import type { RowPage } from './row.ts'
import { RestoreError } from './restore-error.ts'
import { TableReader, type RowRange } from './source.ts'
import { archiveTables, type ArchiveTable, type ArchiveTableName } from './tables.ts'

interface ProvenPage extends RowRange {
  readonly table: ArchiveTable
  readonly rows: number
  readonly sha256: string
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
 * is written. A page's digest is of its values as that database writes them as text. Together the pages are the table's rows,
 * whose digest by RFC 8785 was made of the same values as they were written.
 */
export class Proof {
  readonly #transport: Transport
  readonly #digester = new TablesDigester()
  /** One of thousands of rows: their keys and digests are all that is held. */
  readonly #pages: ProvenPage[] = []
  #reader: TableReader | undefined

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Takes note of a page that was written. */
  add(page: RowPage): void {
    const { table, entries } = page
    const last = entries.at(-1)?.row
    if (last === undefined) return
    this.#digester.add(page)
    if (this.#reader?.table !== table) this.#reader = new TableReader(this.#transport, table)
    const before = this.#pages.at(-1)
    const after = before?.table === table ? before.last : undefined
    const sha256 = this.#reader.digestOf(entries)
    this.#pages.push({ table, after, last: keyOf(table, last), rows: entries.length, sha256 })
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
    for (const table of archiveTables)
      await this.#completeTable(new TableReader(this.#transport, table), table, options)
    for (const table of archiveTables) {
      const rows = await new TableReader(this.#transport, table).count()
      if (rows === expected[table.name].rows) continue
      throw failed([`${table.name} has ${rows} rows instead of ${expected[table.name].rows}`])
    }
  }

  async #completeTable(reader: TableReader, table: ArchiveTable, { onProven, signal }: ProofOptions): Promise<void> {
    const pages = this.#pages.filter((page) => page.table === table)
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
