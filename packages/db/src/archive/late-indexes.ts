import { toolsOf } from '../dialects/tools.ts'
import { plain } from '../dialects/plain.ts'
import { DatabaseError } from '../sql/errors.ts'
import { retried } from '../store/retry.ts'
import type { ForeignKeyShape, IndexShape, TableShape } from '../migrate/catalogue.ts'
import { readSchema } from '../migrate/schema-shape.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Statement } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'
import { refuseBrokenReferences } from './foreign-keys.ts'
import type { HeldMark } from './mark.ts'
import { isWorthAgain, patience } from './patience.ts'
import { archiveTables, type ArchiveTable, type ArchiveTableName } from './tables.ts'

/** Below so many rows of a table it costs more to make its indexes anew than to keep them. */
const indexesLastFrom = 5000

/** One index or foreign key of a table of any size. */
const makeSeconds = 3600

/** A reader's lock on the table is not waited for any longer: the tables are small by then, and the indexes may stay. */
const dropSeconds = 5

/** What a table has beside its rows, and can do without while they are written. */
interface LatePart {
  readonly table: ArchiveTableName
  readonly name: string
  readonly isForeignKey: boolean
  readonly drop: string
  readonly make: string
  isThere(table: TableShape | undefined): boolean
  /** Whether another of the name stands in its way. */
  isTaken(table: TableShape | undefined): boolean
}

interface LateIndexesOptions {
  readonly isResumed: boolean
  readonly mark: Pick<HeldMark, 'guard' | 'check'>
  /** Rows written to a table, from which on its indexes are left out; for the tests. */
  readonly from?: number | undefined
  /** Whether rows may be loaded without foreign keys, where the dialect has them made last. */
  readonly makesForeignKeys?: boolean
}

/**
 * The indexes and foreign keys of tables that many rows go into: indexes that only serve reading are left out meanwhile, and
 * made when all rows are there, from sorted keys. So are foreign keys where the dialect can and rows are loaded: making one
 * checks all rows at once. Primary keys and unique indexes stay. A database without them is one under the mark; whoever
 * resumes or abandons makes those that are missing.
 */
export class LateIndexes {
  readonly #transport: Transport
  readonly #mark: LateIndexesOptions['mark']
  readonly #from: number
  readonly #written = new Map<ArchiveTableName, number>()
  readonly #leftOut = new Set<string>()
  readonly #isResumed: boolean
  readonly #makesForeignKeys: boolean
  #canLeaveOut: boolean

  /** @param transport not shared with statements that run at the same time: some here have a time limit of their own */
  constructor(transport: Transport, options: LateIndexesOptions) {
    const { isResumed, mark, from = indexesLastFrom, makesForeignKeys = false } = options
    this.#transport = transport
    this.#mark = mark
    this.#from = from
    this.#isResumed = isResumed
    this.#makesForeignKeys = makesForeignKeys
    // An index is made by one statement, which reads the table: of large documents more than can be read in half a minute.
    const hasTime = transport.limits.maxStatementSeconds === undefined
    this.#canLeaveOut = hasTime && toolsOf(transport.dialect).bulk.makesIndexesLast
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
   * indexes, which the first is tried with, or one of the foreign keys, which may be of tables of others, and where a reader
   * holds the table.
   */
  async #leaveOut(table: ArchiveTableName): Promise<void> {
    const parts = await patiently(() => presentParts(this.#transport, table, this.#makesForeignKeys))
    if (parts.length === 0) return
    // Before: a transaction whose answer is lost may have been done.
    for (const { name } of parts) this.#leftOut.add(name)
    const drops = parts.map(({ drop }) => plain(drop))
    const tried = parts.filter(({ isForeignKey }, position) => position === 0 || isForeignKey)
    const trial = tried.flatMap(({ drop, make }) => [plain(drop), plain(make)])
    const { waitsBriefly } = toolsOf(this.#transport.dialect).bulk
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

/** Makes the indexes and foreign keys that the archive's tables should have and lack, where they can have been left out. */
export async function makeMissingIndexes(
  transport: Transport,
  { before = () => Promise.resolve(), isNeeded = () => false }: Making = {},
): Promise<void> {
  if (!toolsOf(transport.dialect).bulk.makesIndexesLast) return
  const live = await patiently(() => readSchema(transport))
  for (const { name: table } of archiveTables) {
    for (const part of lateParts(transport, table, true)) {
      // One of another shape keeps the name: a lack that was there before.
      if (part.isTaken(live.get(table))) continue
      await before(part.name)
      const making: Statement = { ...plain(part.make), timeoutSeconds: makeSeconds }
      try {
        await retried(() => transport.run(making), isMakingWorthAgain, patience)
      } catch (thrown) {
        if (!(thrown instanceof DatabaseError)) throw thrown
        if (thrown.fault === 'foreign_key_violation') await refuseBrokenReferences(transport)
        if (isWorthAgain(thrown) || isNeeded(part.name)) throw thrown
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

async function presentParts(
  transport: Transport,
  table: ArchiveTableName,
  withForeignKeys: boolean,
): Promise<readonly LatePart[]> {
  const live = await readSchema(transport)
  return lateParts(transport, table, withForeignKeys).filter((part) => part.isThere(live.get(table)))
}

/** Indexes that only serve reading, since unique ones refuse rows, too; and foreign keys, which are checked when made. */
function lateParts({ dialect }: Transport, table: ArchiveTableName, withForeignKeys: boolean): readonly LatePart[] {
  const { expected } = toolsOf(dialect).catalogue
  const { indexes = [], foreignKeys = [] } = expected.get(table) ?? {}
  const isWithKeys = withForeignKeys && toolsOf(dialect).bulk.makesForeignKeysLast
  return [
    ...indexes.filter(({ isUnique }) => !isUnique).map((index) => lateIndex(dialect, table, index)),
    ...(isWithKeys ? foreignKeys.flatMap((key) => lateForeignKey(dialect, table, key)) : []),
  ]
}

function lateIndex(dialect: Dialect, table: ArchiveTableName, { name, columns, isUnique }: IndexShape): LatePart {
  const { quote } = toolsOf(dialect).catalogue
  return {
    table,
    name,
    isForeignKey: false,
    drop: `drop index if exists ${quote(name)}`,
    make: `create index if not exists ${quote(name)} on ${quote(table)} (${columns.map(quote).join(', ')})`,
    isThere(live) {
      const found = live?.indexes.find((index) => index.name === name)
      return found?.isUnique === isUnique && found.columns.join() === columns.join()
    },
    isTaken: (live) => live?.indexes.some((index) => index.name === name) === true,
  }
}

function lateForeignKey(dialect: Dialect, table: ArchiveTableName, key: ForeignKeyShape): readonly LatePart[] {
  const catalogue = toolsOf(dialect).catalogue
  const { quote } = catalogue
  const make = catalogue.addForeignKey(table, key)
  if (make === undefined) return []
  const isSame = (other: ForeignKeyShape) =>
    [other.target, ...other.columns, ...other.targetColumns].join() ===
    [key.target, ...key.columns, ...key.targetColumns].join()
  return [
    {
      table,
      name: key.name,
      isForeignKey: true,
      drop: `alter table ${quote(table)} drop constraint if exists ${quote(key.name)}`,
      make,
      isThere: (live) => live?.foreignKeys.some((other) => other.name === key.name && isSame(other)) === true,
      // One of another name does what this one does.
      isTaken: (live) => live?.foreignKeys.some((other) => other.name === key.name || isSame(other)) === true,
    },
  ]
}
