import { and, asc, getTableColumns, gt, gte, lt, lte, or, sql, type Column, type SQL } from 'drizzle-orm'
import type { BulkDialect } from './bulk.ts'
import type { Dialect } from '../sql/dialect.ts'
import { toolsOf } from '../dialects/tools.ts'
import { readQuery } from '../store/read-query.ts'
import { buildQuery, buildStatement, defineShapedQuery, defineShapedStatement, type Bind } from '../sql/building.ts'
import type { Snapshot } from '../sql/snapshot.ts'
import type { RawResult, Statement } from '../sql/statement.ts'
import { encodedPages, encodedPageSize, encodedTables } from './encoded-tables.ts'
import type { ArchiveEntry, ArchiveRow, RowPage, RowPages } from './row.ts'
import { RawRows, type RawColumn } from './raw-rows.ts'
import { sha256Of } from './sha256.ts'
import { archiveTables, type ArchiveTable } from './tables.ts'

/** What rows are read through: a snapshot, or a transport where each statement sees its own moment. */
export interface Readable {
  readonly dialect: Dialect
  run(statement: Statement): Promise<RawResult>
  readonly readEncoded?: Snapshot['readEncoded']
}

/** A page's rows and their documents' bytes: what one answer holds, and so what memory does. */
export interface PageLimits {
  readonly rows: number
  readonly bytes: number
}

const defaultLimits: PageLimits = { rows: 500, bytes: 512 * 1024 }

/** All rows of a database in the archive's order, page by page; as it encodes them, where it can. */
export async function* readRows(database: Readable, limits?: PageLimits): RowPages & AsyncGenerator<RowPage> {
  const { readEncoded } = database
  const encoded = readEncoded === undefined ? undefined : await encodedTables(database)
  for (const table of archiveTables) {
    const found = encoded?.get(table.name)
    if (readEncoded === undefined || found === undefined)
      yield* new TableReader(database, table).pages(limits ?? defaultLimits)
    else yield* encodedPages(readEncoded, found, limits ?? encodedPageSize)
  }
}

/** How many rows the archive's tables hold together. */
export async function countRows(database: Readable): Promise<number> {
  let rows = 0
  for (const table of archiveTables) rows += await new TableReader(database, table).count()
  return rows
}

/** Rows of a table: those behind `after`, up to and with `last`. */
export interface RowRange {
  readonly after: ArchiveRow | undefined
  readonly last: ArchiveRow
}

/** As `RowRange`, where either end may be the table's. */
interface OpenRange {
  readonly after: ArchiveRow | undefined
  readonly last: ArchiveRow | undefined
}

/** What the statement that reads a page depends on. */
interface RangeShape {
  readonly isBehind: boolean
  readonly isUpTo: boolean
  readonly sortsByIndex: boolean
}

interface Aggregation extends RangeShape {
  readonly aggregate: 'listed' | 'digest'
}

/** The statement's parameters by their names: the limit, and the values of the range's keys. */
type Bound = Readonly<Record<string, unknown>>

/** Gives the value that a column of the key is compared with. */
type KeyPlace = (column: Column, position: number) => SQL

interface Measure {
  readonly rows: number
  /** Of the row with the longest texts. */
  readonly mostBytes: number
}

/** For how many pages at once the rows' lengths are looked at. */
const pagesAhead = 8

/** Reads one table by its primary key. */
export class TableReader {
  readonly #database: Readable
  readonly table: ArchiveTable
  readonly #columns: readonly RawColumn[]
  readonly #raw: RawRows
  readonly #key: readonly Column[]
  /** Undefined until it was looked at. */
  #sortsByIndex: boolean | undefined
  /** Whether the database gives all of a page's rows in one value, as far as is known. */
  #listsAreWhole = true
  /** Bytes of the rows to be read next, where they were looked at. */
  #bytesAhead: number[] = []

  constructor(database: Readable, table: ArchiveTable) {
    this.#database = database
    this.table = table
    const columns: readonly Column[] = Object.values(getTableColumns(this.#drizzleTable))
    const byName = new Map(columns.map((column) => [column.name, column]))
    const columnNamed = (name: string) => {
      const column = byName.get(name)
      if (column === undefined) throw new TypeError(`the schema has no column ${table.name}.${name}`)
      return column
    }
    this.#columns = table.columns.map((spec) => ({ spec, column: columnNamed(spec.name) }))
    this.#raw = new RawRows(toolsOf(database.dialect).bulk, this.#columns)
    this.#key = table.key.map(columnNamed)
  }

  async count(): Promise<number> {
    const { builder } = this.#database.dialect
    const counted = builder.select({ rows: sql<number>`count(*)`.mapWith(Number) }).from(this.#drizzleTable)
    const [row] = await readQuery(this.#database, buildQuery(counted))
    return row?.rows ?? 0
  }

  /** The rows of a range in order, at most `limit`. */
  async range({ after, last }: RowRange, limit: number): Promise<readonly ArchiveEntry[]> {
    await this.#lookAtKeys()
    return this.#entries({ after, last }, limit)
  }

  /** What `digest` gives of these rows, of which there is at least one. */
  digestOf(entries: readonly ArchiveEntry[]): string {
    return sha256Of(this.#raw.write(this.table, entries))
  }

  /** The digest of a range's rows, at most `limit`, as the database writes them as text, by its own functions where it has them. */
  async digest({ after, last }: RowRange, limit: number): Promise<{ readonly rows: number; readonly sha256: string }> {
    const isDigest = this.#bulk.digest !== undefined
    await this.#lookAtKeys()
    const { text, rows } = await this.#aggregate({ after, last }, limit, isDigest ? 'digest' : 'listed')
    return { rows, sha256: isDigest ? text : sha256Of(text) }
  }

  async *pages(limits: PageLimits): AsyncGenerator<RowPage> {
    const { rows, mostBytes } = await this.#measure()
    if (rows === 0) return
    await this.#lookAtKeys()
    const safeLimit = Math.min(limits.rows, Math.floor(limits.bytes / Math.max(1, mostBytes)))
    // Where a page of the longest rows would be a small one, their lengths are looked at first.
    const isUneven = safeLimit < limits.rows / 4
    const read = async (last: ArchiveRow | undefined) => {
      const limit = isUneven ? await this.#rowsThatFit(last, limits) : safeLimit
      return limit === 0 ? [] : this.#entries({ after: last, last: undefined }, limit)
    }
    let next = read(undefined)
    try {
      for (;;) {
        const entries = await next
        const last = entries.at(-1)?.row
        if (last === undefined) return
        // The database has the next page ready when this one is done with.
        next = read(last)
        next.catch(() => undefined)
        yield { table: this.table, entries }
      }
    } finally {
      await next.catch(() => undefined)
    }
  }

  /** How many rows there are, and how long one can be. */
  async #measure(): Promise<Measure> {
    const { builder } = this.#database.dialect
    const [measured] = await readQuery(
      this.#database,
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

  get #bulk(): BulkDialect {
    return toolsOf(this.#database.dialect).bulk
  }

  get #drizzleTable() {
    return this.#database.dialect.tables[this.table.property]
  }

  get #rowBytes(): SQL<number> {
    const texts = this.#columns.filter(
      ({ spec }) => spec.kind === 'document' || (spec.kind === 'text' && spec.maxLength === undefined),
    )
    const lengths = texts.map(({ column }) => this.#bulk.byteLength(column))
    return lengths.length === 0 ? sql<number>`0` : sql<number>`${sql.join(lengths, sql` + `)}`
  }

  async #lookAtKeys(): Promise<void> {
    this.#sortsByIndex ??= !(await this.#hasMisplacedKeys())
  }

  async #hasMisplacedKeys(): Promise<boolean> {
    const { builder } = this.#database.dialect
    const { misplacedKey } = this.#bulk
    if (misplacedKey === undefined) return false
    const conditions = this.#textKeys.map((column) => misplacedKey(column))
    const found = builder
      .select({ one: sql<number>`1`.mapWith(Number) })
      .from(this.#drizzleTable)
      .where(or(...conditions))
      .limit(1)
    return (await readQuery(this.#database, buildQuery(found))).length > 0
  }

  get #textKeys(): readonly Column[] {
    return this.#key.filter((_, position) => this.#isTextKey(position))
  }

  #isTextKey(position: number): boolean {
    const name = this.table.key[position]
    return this.table.columns.some((column) => column.name === name && column.kind === 'id')
  }

  /** How many of the next rows' documents fit into a page; 1 where the first alone is larger, 0 behind the last. */
  async #rowsThatFit(last: ArchiveRow | undefined, limits: PageLimits): Promise<number> {
    if (this.#bytesAhead.length < limits.rows) this.#bytesAhead = await this.#lookAhead(last, limits.rows * pagesAhead)
    let bytes = 0
    let fitting = 0
    for (const length of this.#bytesAhead) {
      bytes += length
      if (fitting === limits.rows || (fitting > 0 && bytes > limits.bytes)) break
      fitting += 1
    }
    this.#bytesAhead = this.#bytesAhead.slice(fitting)
    return fitting
  }

  async #lookAhead(last: ArchiveRow | undefined, rows: number): Promise<number[]> {
    const { builder } = this.#database.dialect
    const lengths = builder
      .select({ bytes: sql<number>`${this.#rowBytes}`.mapWith(Number) })
      .from(this.#drizzleTable)
      .where(this.#isWithin({ after: last, last: undefined }))
      .orderBy(...this.#ascending)
      .limit(rows)
    return (await readQuery(this.#database, buildQuery(lengths))).map(({ bytes }) => bytes)
  }

  async #entries(range: OpenRange, limit: number): Promise<readonly ArchiveEntry[]> {
    if (this.#listsAreWhole) {
      const entries = await this.#entriesOfList(range, limit)
      if (entries !== undefined) return entries
      this.#listsAreWhole = false
    }
    return this.#entriesOfRows(range, limit)
  }

  async #entriesOfRows(range: OpenRange, limit: number): Promise<readonly ArchiveEntry[]> {
    const { builder } = this.#database.dialect
    const selection = Object.fromEntries(this.#raw.columns)
    const rows = builder
      .select(selection)
      .from(this.#drizzleTable)
      .where(this.#isWithin(range))
      .orderBy(...this.#ascending)
      .limit(limit)
    const { rows: found } = await this.#database.run(buildStatement(rows))
    return found.map((values) => this.#raw.readRow(values))
  }

  /** Each row, or all of them, as one text. Undefined where the database has cut it, or it can't be told apart. */
  async #entriesOfList(range: OpenRange, limit: number): Promise<readonly ArchiveEntry[] | undefined> {
    if (this.#bulk.listed === undefined) {
      const statement = this.#texts(this.#database.dialect, this.#shapeOf(range), this.#bound(range, limit))
      const { rows } = await this.#database.run(statement)
      const texts = rows.map(([text]) => text).filter((text) => typeof text === 'string')
      return texts.length === rows.length ? this.#raw.readTexts(this.table, texts) : undefined
    }
    const { text, rows } = await this.#aggregate(range, limit, 'listed')
    return this.#raw.read(this.table, text, rows)
  }

  /** How many rows there are, and one text made of all of theirs in order. */
  async #aggregate(
    range: OpenRange,
    limit: number,
    aggregate: Aggregation['aggregate'],
  ): Promise<{ readonly text: string; readonly rows: number }> {
    const shape = { aggregate, ...this.#shapeOf(range) }
    const query = this.#aggregation(this.#database.dialect, shape, this.#bound(range, limit))
    const [found] = await readQuery(this.#database, query)
    return { text: found?.text ?? '', rows: found?.rows ?? 0 }
  }

  /**
   * Built once, where thousands of pages are read. The limit also keeps MariaDB from merging the subquery: merged, a prepared
   * statement is refused with error 1140 when it is run again.
   */
  readonly #aggregation = defineShapedQuery<Aggregation, Bound>()(({ builder }, bind, shape) => {
    const aggregate = (shape.aggregate === 'digest' ? this.#bulk.digest : undefined) ?? this.#bulk.listed
    if (aggregate === undefined) throw new TypeError('the dialect lists no rows')
    const [first, second = sql`null`] = this.#order
    const rows = builder
      .select({ text: this.#raw.select.as('text'), first: sql`${first}`.as('first'), second: second.as('second') })
      .from(this.#drizzleTable)
      .where(this.#isPlaced(bind, shape))
      .orderBy(...this.#ascending)
      .limit(sql.placeholder('limit'))
    const page = rows.as('page')
    const text = aggregate(sql`${page.text}`, [sql`${page.first}`, sql`${page.second}`])
    return builder.select({ text, rows: sql<number>`count(*)`.mapWith(Number) }).from(page)
  })

  /** Each row's text by itself; built once, as well. */
  readonly #texts = defineShapedStatement<RangeShape, Bound>()(({ builder }, bind, shape) =>
    builder
      .select({ text: this.#raw.select })
      .from(this.#drizzleTable)
      .where(this.#isPlaced(bind, shape))
      .orderBy(...this.#ascending)
      .limit(sql.placeholder('limit')),
  )

  #isPlaced(bind: Bind<Bound>, { isBehind, isUpTo }: RangeShape): SQL | undefined {
    const place = (end: 'after' | 'last') => (column: Column, position: number) => bind(`${end}${position}`, column)
    return and(isBehind ? this.#isBehind(place('after')) : undefined, isUpTo ? this.#isUpTo(place('last')) : undefined)
  }

  #shapeOf({ after, last }: OpenRange): RangeShape {
    const sortsByIndex = this.#sortsByIndex !== false
    return { isBehind: after !== undefined, isUpTo: last !== undefined, sortsByIndex }
  }

  #bound({ after, last }: OpenRange, limit: number): Bound {
    return { limit, ...this.#boundKeys('after', after), ...this.#boundKeys('last', last) }
  }

  #boundKeys(end: 'after' | 'last', row: ArchiveRow | undefined): Bound {
    if (row === undefined) return {}
    return Object.fromEntries(this.table.key.map((name, position) => [`${end}${position}`, row[name]]))
  }

  get #order(): readonly SQL[] {
    return this.#key.map((column, position) => this.#sortKey(column, position))
  }

  get #ascending(): readonly SQL[] {
    return this.#order.map((key) => asc(key))
  }

  #isWithin({ after, last }: OpenRange): SQL | undefined {
    return and(
      after === undefined ? undefined : this.#isBehind(valueIn(after)),
      last === undefined ? undefined : this.#isUpTo(valueIn(last)),
    )
  }

  /** Rows whose key is greater; of a key of two columns so that an index on both serves it. */
  #isBehind(place: KeyPlace): SQL | undefined {
    const [first, second] = this.#keyBeside(place)
    if (second === undefined) return gt(first.key, first.value)
    return and(gte(first.key, first.value), or(gt(first.key, first.value), gt(second.key, second.value)))
  }

  /** Rows whose key is less or the same. */
  #isUpTo(place: KeyPlace): SQL | undefined {
    const [first, second] = this.#keyBeside(place)
    if (second === undefined) return lte(first.key, first.value)
    return and(lte(first.key, first.value), or(lt(first.key, first.value), lte(second.key, second.value)))
  }

  /** The key's columns, each with the value that it is compared with. */
  #keyBeside(place: KeyPlace) {
    const [first, second] = this.#key.map((column, position) => ({
      key: this.#sortKey(column, position),
      value: this.#sortKey(place(column, position), position),
    }))
    if (first === undefined) throw new TypeError('a table has a primary key')
    return [first, second] as const
  }

  #sortKey(value: Column | SQL, position: number): SQL {
    return this.#sortsByIndex !== false || !this.#isTextKey(position) ? sql`${value}` : this.#bulk.sortKey(value)
  }
}

function valueIn(row: ArchiveRow): KeyPlace {
  return (column) => sql`${sql.param(row[column.name], column)}`
}
