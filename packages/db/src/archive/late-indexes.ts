import { catalogueOf } from '../catalogues.ts'
import { bulkOf } from '../dialects/bulk.ts'
import { plain } from '../dialects/plain.ts'
import { DatabaseError } from '../errors.ts'
import { retried } from '../retry.ts'
import { readSchema, type IndexShape, type TableShape } from '../schema-shape.ts'
import type { Statement } from '../statement.ts'
import type { Transport } from '../transport.ts'
import { isWorthAgain, patience } from './patience.ts'
import { archiveTables, type ArchiveTable, type ArchiveTableName } from './tables.ts'

/** Below so many rows of a table it costs more to make its indexes anew than to keep them. */
const indexesLastFrom = 5000

/** One index of a table of any size. */
const indexSeconds = 3600

interface LateIndex extends IndexShape {
  readonly table: ArchiveTableName
}

/** Rejects when the mark is another's by now: its indexes are not to be touched. */
type EnsureHeld = (table: ArchiveTableName) => Promise<void>

interface LateIndexesOptions {
  readonly isResumed: boolean
  readonly ensureHeld: EnsureHeld
  /** Rows written to a table, from which on its indexes are left out; for the tests. */
  readonly from?: number | undefined
}

/**
 * The indexes of tables that many rows go into: those that only serve reading are left out meanwhile, and made when all
 * rows are there, from sorted keys. Primary keys, unique indexes and foreign keys stay. A database without its indexes
 * is one under the mark; whoever resumes or abandons makes those that are missing.
 */
export class LateIndexes {
  readonly #transport: Transport
  readonly #ensureHeld: EnsureHeld
  readonly #from: number
  readonly #written = new Map<ArchiveTableName, number>()
  #canLeaveOut: boolean
  #mayBeMissing: boolean

  constructor(transport: Transport, { isResumed, ensureHeld, from = indexesLastFrom }: LateIndexesOptions) {
    this.#transport = transport
    this.#ensureHeld = ensureHeld
    this.#from = from
    this.#canLeaveOut = bulkOf(transport.dialect).makesIndexesLast
    this.#mayBeMissing = isResumed && this.#canLeaveOut
  }

  /** Takes note of rows that were written to a table, and drops its indexes when those are many. */
  async wrote({ name }: ArchiveTable, rows: number): Promise<void> {
    const before = this.#written.get(name) ?? 0
    this.#written.set(name, before + rows)
    if (!this.#canLeaveOut || before >= this.#from || before + rows < this.#from) return
    await this.#leaveOut(name)
  }

  /**
   * Makes those that are missing.
   * @param onIndex told before each
   * @throws DatabaseError
   */
  async make(onIndex: (name: string) => void): Promise<void> {
    if (!this.#mayBeMissing) return
    const before = async (table: ArchiveTableName, name: string) => {
      await this.#ensureHeld(table)
      onIndex(name)
    }
    await retried(() => makeMissingIndexes(this.#transport, before), isWorthAgain, patience)
    this.#mayBeMissing = false
  }

  /** Where the user may not make indexes, they stay: that is found out with the first, before any is lost. */
  async #leaveOut(table: ArchiveTableName): Promise<void> {
    const [first, ...others] = await presentIndexes(this.#transport, table)
    if (first === undefined) return
    this.#mayBeMissing = true
    await this.#ensureHeld(table)
    try {
      await this.#transport.transact([dropOf(this.#transport, first), makeOf(this.#transport, first)], [])
    } catch (thrown) {
      if (!(thrown instanceof DatabaseError)) throw thrown
      this.#canLeaveOut = false
      return
    }
    for (const index of [first, ...others]) {
      await this.#ensureHeld(table)
      await retried(() => this.#transport.run(dropOf(this.#transport, index)), isWorthAgain, patience)
    }
  }
}

/**
 * Makes the indexes that the archive's tables should have and lack, where they can have been left out.
 * @param before asked before each
 */
export async function makeMissingIndexes(
  transport: Transport,
  before: (table: ArchiveTableName, name: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  if (!bulkOf(transport.dialect).makesIndexesLast) return
  const live = await readSchema(transport)
  for (const { name: table } of archiveTables) {
    for (const index of readingIndexes(transport, table)) {
      if (isThere(live.get(table), index)) continue
      await before(table, index.name)
      await transport.run(makeOf(transport, index))
    }
  }
}

async function presentIndexes(transport: Transport, table: ArchiveTableName): Promise<readonly LateIndex[]> {
  const live = await readSchema(transport)
  return readingIndexes(transport, table).filter((index) => isThere(live.get(table), index))
}

/** Those that only serve reading: unique ones refuse rows, too. */
function readingIndexes({ dialect }: Transport, table: ArchiveTableName): readonly LateIndex[] {
  const indexes = catalogueOf(dialect).expected.get(table)?.indexes ?? []
  return indexes.filter(({ isUnique }) => !isUnique).map((index) => ({ ...index, table }))
}

function isThere(live: TableShape | undefined, { name, columns, isUnique }: IndexShape): boolean {
  const found = live?.indexes.find((index) => index.name === name)
  return found?.isUnique === isUnique && found.columns.join() === columns.join()
}

function dropOf({ dialect }: Transport, { name }: LateIndex): Statement {
  return plain(`drop index if exists ${catalogueOf(dialect).quote(name)}`)
}

function makeOf({ dialect }: Transport, { name, table, columns }: LateIndex): Statement {
  const { quote } = catalogueOf(dialect)
  const text = `create index ${quote(name)} on ${quote(table)} (${columns.map(quote).join(', ')})`
  return { ...plain(text), timeoutSeconds: indexSeconds }
}
