import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { archiveTables, type ArchiveTableName } from './tables.ts'
import type { RowPage } from './row.ts'

export interface TableDigest {
  readonly rows: number
  /** SHA-256, hexadecimal, over each row's RFC 8785 text followed by LF. */
  readonly sha256: string
}

export type TableDigests = Readonly<Record<ArchiveTableName, TableDigest>>

const utf8 = new TextEncoder()

/** Digests tables page by page. */
export class TablesDigester {
  readonly #tables = new Map(archiveTables.map(({ name }) => [name, { rows: 0, hash: sha256.create() }]))

  add({ table, entries }: RowPage): void {
    const state = this.#tables.get(table.name)
    if (state === undefined || entries.length === 0) return
    state.rows += entries.length
    state.hash.update(utf8.encode(`${entries.map(({ text }) => text).join('\n')}\n`))
  }

  /** Ends the digests. */
  finish(): TableDigests {
    const digests = [...this.#tables].map(([name, { rows, hash }]) => [
      name,
      { rows, sha256: bytesToHex(hash.digest()) },
    ])
    // One entry for each of the names that the type lists.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return Object.fromEntries(digests) as TableDigests
  }
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
  readonly #hash = sha256.create()
  #bytes = 0

  add(chunk: Uint8Array): void {
    this.#hash.update(chunk)
    this.#bytes += chunk.byteLength
  }

  finish(): { readonly bytes: number; readonly sha256: string } {
    return { bytes: this.#bytes, sha256: bytesToHex(this.#hash.digest()) }
  }
}
