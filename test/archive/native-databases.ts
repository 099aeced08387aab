import { watchRows } from '@millrace/db/archive/checked-rows'
import type { TableDigests } from '@millrace/db/archive/digest'
import { openSource } from '@millrace/db/archive/dump'
import { loadRows, type LoadOptions } from '@millrace/db/archive/load'
import type { RowPage, RowPages } from '@millrace/db/archive/row'
import type { Database } from '@millrace/db/store/database'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../database.ts'
import type { DialectName, TestDatabase } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'

/** Migrated databases that are opened as commands open them that move rows. */
export class NativeDatabases {
  /** In the order in which they were opened, by another connection. */
  readonly raw: TestDatabase[] = []
  readonly #opened: Database[] = []

  async open(dialect: DialectName, file: { readonly onlyReads?: boolean } = {}): Promise<Database> {
    const made = await migratedDatabase(dialect)
    const database = await openNativeDatabase({ target: targetOf(made.url), file: { ...file, movesRows: true } })
    this.raw.push(made)
    this.#opened.push(database)
    return database
  }

  async drop(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((database) => database.close()))
    await Promise.all(this.raw.splice(0).map((database) => database.drop()))
  }
}

export interface Moving extends Partial<LoadOptions> {
  /** Behind the snapshot, before anything is loaded. */
  readonly first?: () => Promise<void>
  /** Before each page is written. */
  readonly page?: (page: RowPage) => Promise<unknown>
}

/** Moves all rows from a snapshot, as `copy` does. */
export async function moveRows(
  source: Database,
  target: Database,
  { first, page: beforePage, ...options }: Moving,
): Promise<TableDigests> {
  const from = await openSource(source, 'snapshot')
  try {
    await first?.()
    const watched = watchRows(from.pages)
    async function* pages(): RowPages & AsyncGenerator<RowPage> {
      for await (const page of watched.pages) {
        await beforePage?.(page)
        yield page
      }
    }
    const moved = { digest: 'moved', isResumed: false, from: from.snapshot, ...options }
    return await loadRows(target, pages(), () => watched.finish(), moved)
  } finally {
    await from.close()
  }
}
