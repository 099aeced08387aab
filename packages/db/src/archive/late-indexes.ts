import { catalogueOf } from '../migrate/catalogues.ts'
import { bulkOf } from './bulk-dialects.ts'
import { plain } from '../dialects/plain.ts'
import { DatabaseError } from '../sql/errors.ts'
import { retried } from '../store/retry.ts'
import { readSchema, type IndexShape, type TableShape } from '../migrate/schema-shape.ts'
import type { Statement } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'
import type { HeldMark } from './mark.ts'
import { isWorthAgain, patience } from './patience.ts'
import { archiveTables, type ArchiveTable, type ArchiveTableName } from './tables.ts'

/** Below so many rows of a table it costs more to make its indexes anew than to keep them. */
const indexesLastFrom = 5000

/** One index of a table of any size. */
const indexSeconds = 3600

/** A reader's lock on the table is not waited for any longer: the tables are small by then, and the indexes may stay. */
const dropSeconds = 5

interface LateIndex extends IndexShape {
  readonly table: ArchiveTableName
}

interface LateIndexesOptions {
  readonly isResumed: boolean
  readonly mark: Pick<HeldMark, 'guard' | 'check'>
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
  readonly #mark: LateIndexesOptions['mark']
  readonly #from: number
  readonly #written = new Map<ArchiveTableName, number>()
  readonly #leftOut = new Set<string>()
  readonly #isResumed: boolean
  #canLeaveOut: boolean

  /** @param transport not shared with statements that run at the same time: some here have a time limit of their own */
  constructor(transport: Transport, { isResumed, mark, from = indexesLastFrom }: LateIndexesOptions) {
    this.#transport = transport
    this.#mark = mark
    this.#from = from
    this.#isResumed = isResumed
    this.#canLeaveOut = bulkOf(transport.dialect).makesIndexesLast
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
   * @throws DatabaseError when one that was left out can't be made again
   */
  async make(onIndex: (name: string) => void): Promise<void> {
    if (this.#leftOut.size === 0 && !this.#isResumed) return
    const before = async (name: string) => {
      await patiently(() => this.#mark.check())
      onIndex(name)
    }
    // A run before this one may have left out any.
    const isNeeded = (name: string) => this.#isResumed || this.#leftOut.has(name)
    await makeMissingIndexes(this.#transport, { before, isNeeded })
  }

  /**
   * All or none, in one transaction that fails where the mark is another's. They stay too where the user may not make
   * indexes, which the first is tried with, and where a reader holds the table.
   */
  async #leaveOut(table: ArchiveTableName): Promise<void> {
    const indexes = await patiently(() => presentIndexes(this.#transport, table))
    const [first] = indexes
    if (first === undefined) return
    // Before: a transaction whose answer is lost may have been done.
    for (const { name } of indexes) this.#leftOut.add(name)
    const drops = indexes.map((index) => dropOf(this.#transport, index))
    const trial = [dropOf(this.#transport, first), makeOf(this.#transport, first)]
    const { waitsBriefly } = bulkOf(this.#transport.dialect)
    const beginning = waitsBriefly === undefined ? [] : [waitsBriefly]
    const all = [...beginning, ...this.#mark.guard(), ...trial, ...drops]
    try {
      await this.#transport.transact(
        all.map((statement) => ({ ...statement, timeoutSeconds: dropSeconds })),
        [],
      )
    } catch (thrown) {
      if (!(thrown instanceof DatabaseError)) throw thrown
      await patiently(() => this.#mark.check())
      this.#canLeaveOut = false
    }
  }
}

interface Making {
  /** Asked before each. */
  readonly before?: (name: string) => Promise<void>
  /** Whether one must be there in the end. Another that can't be made is a lack to be told by the checklist. */
  readonly isNeeded?: (name: string) => boolean
}

/** Makes the indexes that the archive's tables should have and lack, where they can have been left out. */
export async function makeMissingIndexes(
  transport: Transport,
  { before = () => Promise.resolve(), isNeeded = () => false }: Making = {},
): Promise<void> {
  if (!bulkOf(transport.dialect).makesIndexesLast) return
  const live = await patiently(() => readSchema(transport))
  for (const { name: table } of archiveTables) {
    for (const index of readingIndexes(transport, table)) {
      // One of another shape keeps the name: a lack that was there before.
      if (live.get(table)?.indexes.some(({ name }) => name === index.name) === true) continue
      await before(index.name)
      try {
        await retried(() => transport.run(makeOf(transport, index)), isMakingWorthAgain, patience)
      } catch (thrown) {
        if (!(thrown instanceof DatabaseError) || isWorthAgain(thrown) || isNeeded(index.name)) throw thrown
      }
    }
  }
}

/** An index that is not unique meets none but itself, still being made for a request whose answer was lost. */
function isMakingWorthAgain(error: DatabaseError): boolean {
  return isWorthAgain(error) || error.fault === 'unique_violation'
}

function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  return retried(work, isWorthAgain, patience)
}

async function presentIndexes(transport: Transport, table: ArchiveTableName): Promise<readonly LateIndex[]> {
  const live = await readSchema(transport)
  return readingIndexes(transport, table).filter((index) => hasIndex(live.get(table), index))
}

/** Those that only serve reading: unique ones refuse rows, too. */
function readingIndexes({ dialect }: Transport, table: ArchiveTableName): readonly LateIndex[] {
  const indexes = catalogueOf(dialect).expected.get(table)?.indexes ?? []
  return indexes.filter(({ isUnique }) => !isUnique).map((index) => ({ ...index, table }))
}

function hasIndex(live: TableShape | undefined, { name, columns, isUnique }: IndexShape): boolean {
  const found = live?.indexes.find((index) => index.name === name)
  return found?.isUnique === isUnique && found.columns.join() === columns.join()
}

function dropOf({ dialect }: Transport, { name }: LateIndex): Statement {
  return plain(`drop index if exists ${catalogueOf(dialect).quote(name)}`)
}

function makeOf({ dialect }: Transport, { name, table, columns }: LateIndex): Statement {
  const { quote } = catalogueOf(dialect)
  const text = `create index if not exists ${quote(name)} on ${quote(table)} (${columns.map(quote).join(', ')})`
  return { ...plain(text), timeoutSeconds: indexSeconds }
}
