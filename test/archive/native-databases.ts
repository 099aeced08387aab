import { watchRows } from '@millrace/db/archive/checked-rows'
import type { TableDigests } from '@millrace/db/archive/digest'
import { openSource } from '@millrace/db/archive/dump'
import { loadRows, type LoadOptions } from '@millrace/db/archive/load'
import type { RowPage, RowPages } from '@millrace/db/archive/row'
import type { Database } from '@millrace/db/store/database'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../database.ts'
import { freshDatabase, type DialectName, type Template, type TestDatabase } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'
import { fill } from './archives.ts'
import type { SampleSize } from './sample.ts'

/** Migrated databases that are opened as commands open them that move rows. */
export class NativeDatabases {
  /** In the order in which they were opened, by another connection. */
  readonly raw: TestDatabase[] = []
  readonly #opened: Database[] = []

  async open(dialect: DialectName, file: { readonly onlyReads?: boolean } = {}): Promise<Database> {
    return this.#openMade(await migratedDatabase(dialect), file)
  }

  /** Opens a copy of one that was filled. */
  async openFilled({ template }: Filled): Promise<Database> {
    return this.#openMade(await freshDatabase(template.dialect, template), {})
  }

  async #openMade(made: TestDatabase, file: { readonly onlyReads?: boolean }): Promise<Database> {
    const database = await openNative(made, file)
    this.raw.push(made)
    this.#opened.push(database)
    return database
  }

  async drop(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((database) => database.close()))
    await Promise.all(this.raw.splice(0).map((database) => database.drop()))
  }
}

function openNative({ url }: TestDatabase, file: { readonly onlyReads?: boolean } = {}): Promise<Database> {
  return openNativeDatabase({ target: targetOf(url), file: { ...file, movesRows: true } })
}

/** A database with sample rows, which each test of a suite has a copy of: to write the rows takes ten times as long. */
export interface Filled {
  readonly template: Template
  readonly digests: TableDigests
}

export async function filledDatabase(dialect: DialectName, size: SampleSize): Promise<Filled> {
  const made = await migratedDatabase(dialect)
  const database = await openNative(made)
  const digests = await fill(database, size)
  await database.close()
  return { template: await made.freeze(), digests }
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
