import type { Encrypter } from 'age-encryption'
import { isAnchor } from '../access/access.ts'
import type { Snapshot } from '../sql/snapshot.ts'
import type { Database } from '../store/database.ts'
import { databaseError } from '../sql/errors.ts'
import { schemaNumber } from '../schema/known-migrations.ts'
import { defineQuery } from '../sql/building.ts'
import { watchRows } from './checked-rows.ts'
import type { Consistency } from './lines.ts'
import { charactersOf, rowCountOf, type RowPages } from './row.ts'
import { countRows, readRows, type Readable } from './source.ts'
import { writeArchive, type WrittenArchive } from './write.ts'

export interface DumpOptions {
  readonly consistency: Consistency
  readonly createdAt: Date
  readonly encrypter?: Encrypter | undefined
  /** Told once how many rows there are, then of each page that was read. */
  readonly onTotal?: ((rows: number) => void) | undefined
  readonly onRows?: ((rows: number, characters: number) => void) | undefined
}

/** A database being read: the rows of one moment, to be closed when they were read. */
export interface OpenSource {
  readonly pages: RowPages
  readonly rows: number
  /** What they are read from, where that is one moment. */
  readonly snapshot: Snapshot | undefined
  close(): Promise<void>
}

/**
 * Writes a database as one archive, in constant memory. The stream fails where the rows break what an archive promises.
 * @throws DatabaseError, also `restore_in_progress`
 */
export async function dumpDatabase(
  database: Database,
  options: DumpOptions,
): Promise<WrittenArchive & { close(): Promise<void> }> {
  const source = await openSource(database, options.consistency)
  options.onTotal?.(source.rows)
  const head = {
    createdAt: options.createdAt.toISOString(),
    source: { dialect: database.dialect.name, schema: schemaNumber },
    consistency: options.consistency,
  }
  const rows = watchRows(told(source.pages, options.onRows))
  const archive = await writeArchive(head, rows, options.encrypter)
  return { ...archive, close: () => source.close() }
}

/**
 * Opens a database's rows: of one moment, or table by table.
 * @throws DatabaseError when it is not migrated, or a restore into it is under way
 */
export async function openSource(database: Database, consistency: Consistency): Promise<OpenSource> {
  await refuseUnready(database)
  const snapshot = consistency === 'snapshot' ? await database.snapshot() : undefined
  const readable: Readable = snapshot ?? database.transport()
  const close = async () => {
    await snapshot?.close()
  }
  try {
    return { pages: confirmed(readRows(readable), snapshot), rows: await countRows(readable), snapshot, close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** The last page is not the end until it is certain that all are of one moment. */
async function* confirmed(pages: RowPages, snapshot: Snapshot | undefined): RowPages & AsyncGenerator {
  yield* pages
  await snapshot?.confirm?.()
}

const markQuery = defineQuery<object>()((dialect) =>
  dialect.builder.select({ restore: dialect.tables.marks.value }).from(dialect.tables.marks).where(isAnchor(dialect)),
)

/** A half-restored database must not be taken for a whole one. */
async function refuseUnready(database: Database): Promise<void> {
  const store = database.store()
  const [mark] = await store.read(markQuery(store.dialect, {}))
  if (mark === undefined || mark.restore === null) return
  throw databaseError('restore_in_progress', 'a restore into this database is under way', { isNotApplied: true })
}

async function* told(pages: RowPages, onRows: DumpOptions['onRows']): RowPages & AsyncGenerator {
  for await (const page of pages) {
    yield page
    onRows?.(rowCountOf(page), charactersOf(page))
  }
}
