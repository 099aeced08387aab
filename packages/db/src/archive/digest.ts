import type { ArchiveEntry, RowPage } from './row.ts'
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
  readonly #tables = new Map(archiveTables.map(({ name }) => [name, { rows: 0, hash: createSha256() }]))

  add({ table, entries }: RowPage): void {
    const state = this.#tables.get(table.name)
    if (state === undefined || entries.length === 0) return
    state.rows += entries.length
    state.hash.update(linesOf(entries))
  }

  /** Ends the digests. */
  finish(): TableDigests {
    const digests = [...this.#tables].map(([name, { rows, hash }]) => [name, { rows, sha256: hash.hex() }])
    // One entry for each of the names that the type lists.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return Object.fromEntries(digests) as TableDigests
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
