import { and, asc, getTableColumns, gt, gte, lt, lte, or, sql, type Column, type SQL } from 'drizzle-orm'
import type { Dialect } from '../dialect.ts'
import { buildQuery, buildStatement, type Statement } from '../statement.ts'
import type { RawResult } from '../transport.ts'
import { entryOf, type ArchiveEntry, type ArchiveRow, type ArchiveValue, type RowPage, type RowPages } from './row.ts'
import { archiveTables, type ArchiveColumn, type ArchiveTable } from './tables.ts'

/** What rows are read through: a snapshot, or a transport where each statement sees its own moment. */
export interface Readable {
  readonly dialect: Dialect
  run(statement: Statement): Promise<RawResult>
}

/** A page's rows and their documents' bytes: what one answer holds, and so what memory does. */
export interface PageLimits {
  readonly rows: number
  readonly bytes: number
}

const defaultLimits: PageLimits = { rows: 500, bytes: 512 * 1024 }

/** All rows of a database in the archive's order, page by page. */
export async function* readRows(
  database: Readable,
  limits: PageLimits = defaultLimits,
): RowPages & AsyncGenerator<RowPage> {
  for (const table of archiveTables) yield* new TableReader(database, table, limits).pages()
}

/** How many rows the archive's tables hold together. */
export async function countRows(database: Readable): Promise<number> {
  let rows = 0
  for (const table of archiveTables) rows += await countTableRows(database, table)
  return rows
}

export async function countTableRows(database: Readable, table: ArchiveTable): Promise<number> {
  return (await new TableReader(database, table, defaultLimits).measure()).rows
}

/** Which rows of a table to read: those behind `after`, up to and with `last`, at most `limit`. */
export interface RowRange {
  readonly after: ArchiveRow | undefined
  readonly last: ArchiveRow
  readonly limit: number
}

/** The rows of a range, in order. */
export async function readRange(
  database: Readable,
  table: ArchiveTable,
  range: RowRange,
): Promise<readonly ArchiveEntry[]> {
  return new TableReader(database, table, defaultLimits).range(range)
}

interface Measure {
  readonly rows: number
  /** Of the row with the longest texts. */
  readonly mostBytes: number
}

/** Reads one table by its primary key. */
class TableReader {
  readonly #database: Readable
  readonly #table: ArchiveTable
  readonly #limits: PageLimits
  readonly #columns: readonly { readonly spec: ArchiveColumn; readonly column: Column }[]
  readonly #key: readonly Column[]
  #sortsByIndex = true

  constructor(database: Readable, table: ArchiveTable, limits: PageLimits) {
    this.#database = database
    this.#table = table
    this.#limits = limits
    const columns: readonly Column[] = Object.values(getTableColumns(this.#drizzleTable))
    const byName = new Map(columns.map((column) => [column.name, column]))
    const columnNamed = (name: string) => {
      const column = byName.get(name)
      if (column === undefined) throw new TypeError(`the schema has no column ${table.name}.${name}`)
      return column
    }
    this.#columns = table.columns.map((spec) => ({ spec, column: columnNamed(spec.name) }))
    this.#key = table.key.map(columnNamed)
  }

  async range({ after, last, limit }: RowRange): Promise<readonly ArchiveEntry[]> {
    return this.#entries(and(this.#isBehind(after), this.#isUpTo(last)), limit)
  }

  async *pages(): AsyncGenerator<RowPage> {
    const { rows, mostBytes } = await this.measure()
    if (rows === 0) return
    this.#sortsByIndex = !(await this.#hasMisplacedKeys())
    const isUneven = mostBytes * this.#limits.rows > this.#limits.bytes
    for (let last: ArchiveRow | undefined; ;) {
      const limit = isUneven ? await this.#rowsThatFit(last) : this.#limits.rows
      if (limit === 0) return
      const entries = await this.#entries(this.#isBehind(last), limit)
      last = entries.at(-1)?.row
      if (last === undefined) return
      yield { table: this.#table, entries }
    }
  }

  /** How many rows there are, and how long one can be. */
  async measure(): Promise<Measure> {
    const { builder } = this.#database.dialect
    const [measured] = await this.#read(
      buildQuery(
        builder
          .select({
            rows: sql<number>`count(*)`.mapWith(Number),
            mostBytes: sql<number>`coalesce(max(${this.#rowBytes}), 0)`.mapWith(Number),
          })
          .from(this.#drizzleTable),
      ),
    )
    return measured ?? { rows: 0, mostBytes: 0 }
  }

  get #drizzleTable() {
    return this.#database.dialect.tables[this.#table.property]
  }

  get #rowBytes(): SQL<number> {
    const { bulk } = this.#database.dialect
    const texts = this.#columns.filter(
      ({ spec }) => spec.kind === 'document' || (spec.kind === 'text' && spec.maxLength === undefined),
    )
    const lengths = texts.map(({ column }) => bulk.byteLength(column))
    return lengths.length === 0 ? sql<number>`0` : sql<number>`${sql.join(lengths, sql` + `)}`
  }

  async #hasMisplacedKeys(): Promise<boolean> {
    const { builder, bulk } = this.#database.dialect
    const { misplacedKey } = bulk
    if (misplacedKey === undefined) return false
    const conditions = this.#textKeys.map((column) => misplacedKey(column))
    const found = builder
      .select({ one: sql<number>`1`.mapWith(Number) })
      .from(this.#drizzleTable)
      .where(or(...conditions))
      .limit(1)
    return (await this.#read(buildQuery(found))).length > 0
  }

  get #textKeys(): readonly Column[] {
    return this.#key.filter((_, position) => this.#isTextKey(position))
  }

  #isTextKey(position: number): boolean {
    const name = this.#table.key[position]
    return this.#table.columns.some((column) => column.name === name && column.kind === 'id')
  }

  /** How many of the next rows' documents fit into a page; 1 where the first alone is larger, 0 behind the last. */
  async #rowsThatFit(last: ArchiveRow | undefined): Promise<number> {
    const { builder } = this.#database.dialect
    const lengths = builder
      .select({ bytes: sql<number>`${this.#rowBytes}`.mapWith(Number) })
      .from(this.#drizzleTable)
      .where(this.#isBehind(last))
      .orderBy(...this.#order)
      .limit(this.#limits.rows)
    let bytes = 0
    let fitting = 0
    for (const row of await this.#read(buildQuery(lengths))) {
      bytes += row.bytes
      if (fitting > 0 && bytes > this.#limits.bytes) break
      fitting += 1
    }
    return fitting
  }

  async #entries(condition: SQL | undefined, limit: number): Promise<readonly ArchiveEntry[]> {
    const { builder } = this.#database.dialect
    const selection = Object.fromEntries(this.#columns.map(({ column }) => [column.name, sql`${column}`]))
    const rows = builder
      .select(selection)
      .from(this.#drizzleTable)
      .where(condition)
      .orderBy(...this.#order)
      .limit(limit)
    const { rows: found } = await this.#database.run(buildStatement(rows))
    return found.map((values) => entryOf(this.#rowOf(values)))
  }

  #rowOf(values: readonly unknown[]): ArchiveRow {
    const row: Record<string, ArchiveValue> = {}
    for (const [position, { spec, column }] of this.#columns.entries()) {
      row[spec.name] = archiveValue(column, values[position])
    }
    return row
  }

  get #order(): readonly SQL[] {
    return this.#key.map((column, position) => asc(this.#sortKey(column, position)))
  }

  /** Rows whose key is greater; of a key of two columns so that an index on both serves it. */
  #isBehind(last: ArchiveRow | undefined): SQL | undefined {
    if (last === undefined) return undefined
    const [first, second] = this.#keyBeside(last)
    if (second === undefined) return gt(first.key, first.value)
    return and(gte(first.key, first.value), or(gt(first.key, first.value), gt(second.key, second.value)))
  }

  /** Rows whose key is less or the same. */
  #isUpTo(last: ArchiveRow): SQL | undefined {
    const [first, second] = this.#keyBeside(last)
    if (second === undefined) return lte(first.key, first.value)
    return and(lte(first.key, first.value), or(lt(first.key, first.value), lte(second.key, second.value)))
  }

  /** The key's columns, each with its value in a row. */
  #keyBeside(row: ArchiveRow) {
    const [first, second] = this.#key.map((column, position) => ({
      key: this.#sortKey(column, position),
      value: this.#sortKey(sql`${sql.param(row[column.name], column)}`, position),
    }))
    if (first === undefined) throw new TypeError('a table has a primary key')
    return [first, second] as const
  }

  #sortKey(value: Column | SQL, position: number): SQL {
    const { bulk } = this.#database.dialect
    return this.#sortsByIndex || !this.#isTextKey(position) ? sql`${value}` : bulk.sortKey(value)
  }

  async #read<Row>(query: Statement & { decode(values: readonly unknown[]): Row }): Promise<readonly Row[]> {
    const { rows } = await this.#database.run(query)
    return rows.map((row) => query.decode(row))
  }
}

/** A column's value as the archive has it, from the driver's. */
function archiveValue(column: Column, value: unknown): ArchiveValue {
  if (value === null || value === undefined) return null
  const decoded: unknown = column.mapFromDriverValue(value)
  if (decoded instanceof Date) return decoded.toISOString()
  if (typeof decoded === 'string' || typeof decoded === 'boolean' || typeof decoded === 'number') return decoded
  throw new TypeError(`the column ${column.name} gave a value of type ${typeof decoded}`)
}
