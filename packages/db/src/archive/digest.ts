import { rowCountOf, type ArchiveEntry, type DigestedLines, type RowPage } from './row.ts'
import { createSha256 } from './sha256.ts'
import { archiveTables, type ArchiveTableName } from './tables.ts'

export interface TableDigest {
  readonly rows: number
  /** SHA-256, hexadecimal, over each row's RFC 8785 text followed by LF. */
  readonly sha256: string
}

export type TableDigests = Readonly<Record<ArchiveTableName, TableDigest>>

/** Digests tables page by page. */
export class TablesDigester {
  readonly #tables = new Map(archiveTables.map(({ name }) => [name, new TableDigester()]))

  add(page: RowPage): void {
    this.#tables.get(page.table.name)?.add(page)
  }

  /** Ends the digests. */
  finish(): TableDigests {
    const digests = [...this.#tables].map(([name, table]) => [name, table.finish()])
    // One entry for each of the names that the type lists.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return Object.fromEntries(digests) as TableDigests
  }
}

/** Where a page's rows were digested with those of the pages before, it sees that these are the pages, and all of them. */
class TableDigester {
  readonly #hash = createSha256()
  #rows = 0
  #digested: DigestedLines | undefined
  #isWhole = true

  add(page: RowPage): void {
    const rows = rowCountOf(page)
    if (rows === 0) return
    const digested = page.encoded?.digested
    if (digested === undefined) this.#hash.update(linesOf(page.entries))
    this.#isWhole &&= this.#rows === 0 || this.#follows(digested)
    this.#isWhole &&= digested === undefined || digested.number === (this.#digested?.number ?? 0) + 1
    this.#digested = digested
    this.#rows += rows
  }

  /** A digest that is no other's where pages were left out or changed their places. */
  finish(): TableDigest {
    const { digest, number } = this.#digested ?? {}
    const isWhole = this.#isWhole && digest?.pages === number
    return { rows: this.#rows, sha256: isWhole ? (digest?.hex() ?? this.#hash.hex()) : '' }
  }

  #follows(digested: DigestedLines | undefined): boolean {
    return this.#digested?.digest === digested?.digest
  }
}

/** Digests lines once for all who digest the same pages. */
export class LinesDigest {
  readonly #hash = createSha256()
  #pages = 0
  #hex: string | undefined

  get pages(): number {
    return this.#pages
  }

  add(lines: Uint8Array): DigestedLines {
    this.#hash.update(lines)
    this.#pages += 1
    return { digest: this, number: this.#pages }
  }

  /** Ends it. */
  hex(): string {
    return (this.#hex ??= this.#hash.hex())
  }
}

const utf8 = new TextEncoder()

/** A page's rows go into several digests. */
const knownLines = new WeakMap<readonly ArchiveEntry[], Uint8Array>()

function linesOf(entries: readonly ArchiveEntry[]): Uint8Array {
  const known = knownLines.get(entries)
  if (known !== undefined) return known
  const lines = utf8.encode(`${entries.map(({ text }) => text).join('\n')}\n`)
  knownLines.set(entries, lines)
  return lines
}

/** Names of the tables whose digests differ. */
export function differingTables(left: TableDigests, right: TableDigests): readonly ArchiveTableName[] {
  return archiveTables
    .map(({ name }) => name)
    .filter((name) => left[name].rows !== right[name].rows || left[name].sha256 !== right[name].sha256)
}

export function rowCount(digests: TableDigests): number {
  return Object.values(digests).reduce((sum, { rows }) => sum + rows, 0)
}

/** SHA-256 of bytes that pass. */
export class StreamDigest {
  readonly #hash = createSha256()
  #bytes = 0

  add(chunk: Uint8Array): void {
    this.#hash.update(chunk)
    this.#bytes += chunk.byteLength
  }

  finish(): { readonly bytes: number; readonly sha256: string } {
    return { bytes: this.#bytes, sha256: this.#hash.hex() }
  }
}
