import { toolsOf } from '../../dialects/tools.ts'
import { sql, type SQL } from 'drizzle-orm'
import type { ForeignDialect } from './foreign.ts'
import type { Readable } from '../source.ts'
import type { Cell } from './cell.ts'
import { rawStatement, type ForeignTable } from './foreign-schema.ts'

/** A row as the source has it, in the order of the table's columns. */
export type Cells = readonly Cell[]

export interface ForeignMeasure {
  readonly rows: number
  /** Of all rows' values. */
  readonly bytes: number
  /** Of each column that is left: how many rows have a value in it. */
  readonly left: readonly { readonly column: string; readonly values: number }[]
}

/** What one answer may hold, and so what memory does. */
const limits = { rows: 500, bytes: 512 * 1024 }

/** Reads a foreign table page by page, in whichever order the database has it at hand. */
export class ForeignReader {
  readonly #database: Readable
  readonly #table: ForeignTable

  constructor(database: Readable, table: ForeignTable) {
    this.#database = database
    this.#table = table
  }

  async measure(): Promise<ForeignMeasure & { readonly mostBytes: number }> {
    const left = this.#table.columns.filter(({ isRead }) => !isRead).map(({ name }) => name)
    const counts = left.map((name) => sql`count(${sql.identifier(name)})`)
    const values = [
      sql`count(*)`,
      sql`coalesce(max(${this.#bytes}), 0)`,
      sql`coalesce(sum(${this.#bytes}), 0)`,
      ...counts,
    ]
    const [row = []] = await this.#run(sql`select ${sql.join(values, sql`, `)} from ${this.#from}`)
    const [rows = 0, mostBytes = 0, bytes = 0, ...counted] = row.map(Number)
    return { rows, mostBytes, bytes, left: left.map((column, at) => ({ column, values: counted[at] ?? 0 })) }
  }

  async *pages(): AsyncGenerator<readonly Cells[]> {
    const { mostBytes } = await this.measure()
    const isUneven = mostBytes * limits.rows > limits.bytes
    let position: Position = { last: undefined, rowsRead: 0 }
    for (;;) {
      const limit = isUneven ? await this.#rowsThatFit(position) : limits.rows
      if (limit === 0) return
      const rows = await this.#page(position, limit)
      const last = rows.at(-1)
      if (last === undefined) return
      position = { last: last.key, rowsRead: position.rowsRead + rows.length }
      yield rows.map(({ cells }) => cells)
    }
  }

  /** The columns that rows are told apart by; none where only their count can. */
  get #order(): readonly string[] {
    const { rowNumber } = this.#foreign
    const { primaryKey } = this.#table
    if (rowNumber !== undefined && (rowNumber.isPreferred || primaryKey.length === 0)) return [rowNumber.column]
    return primaryKey
  }

  async #page(position: Position, limit: number): Promise<readonly { cells: Cells; key: readonly unknown[] }[]> {
    const foreign = this.#foreign
    const { columns } = this.#table
    const cells = columns.map(({ name, type }) => sql.raw(foreign.cell(this.#quote(name), type)))
    const keys = this.#order.map((name) => sql.raw(foreign.cell(this.#quote(name), this.#typeOf(name))))
    const rows = await this.#run(
      sql`select ${sql.join([...cells, ...keys], sql`, `)} from ${this.#from} ${this.#behind(position, limit)}`,
    )
    return rows.map((values) => ({
      cells: columns.map(({ type }, at) => foreign.readCell(values[at], type)),
      key: this.#order.map((name, at) => foreign.readCell(values[columns.length + at], this.#typeOf(name))),
    }))
  }

  /** How many of the next rows fit into a page; 1 where the first alone is larger, 0 behind the last. */
  async #rowsThatFit(position: Position): Promise<number> {
    let bytes = 0
    let fitting = 0
    const lengths = sql`select ${this.#bytes} from ${this.#from} ${this.#behind(position, limits.rows)}`
    for (const [length] of await this.#run(lengths)) {
      bytes += Number(length)
      if (fitting > 0 && bytes > limits.bytes) break
      fitting += 1
    }
    return fitting
  }

  #behind({ last, rowsRead }: Position, limit: number): SQL {
    // With the table's name: a bare one would mean what is selected, which is text.
    const order = this.#order.map((name) => sql`${this.#from}.${sql.identifier(name)}`)
    if (order.length === 0) return sql`limit ${sql.raw(String(limit))} offset ${sql.raw(String(rowsRead))}`
    const keys = sql.join(order, sql`, `)
    const condition = last === undefined ? sql`` : sql`where ${this.#isBehind(order, last)}`
    return sql`${condition} order by ${keys} limit ${sql.raw(String(limit))}`
  }

  #isBehind(order: readonly SQL[], last: readonly unknown[]): SQL {
    const values = last.map((value) => sql`${value}`)
    if (values.length === 1) return sql`${order[0]} > ${values[0]}`
    return sql`(${sql.join([...order], sql`, `)}) > (${sql.join(values, sql`, `)})`
  }

  get #bytes(): SQL {
    const foreign = this.#foreign
    const lengths = this.#table.columns.map(({ name, type }) => sql.raw(foreign.cellBytes(this.#quote(name), type)))
    return sql.join(lengths, sql` + `)
  }

  get #foreign(): ForeignDialect {
    return toolsOf(this.#database.dialect).foreign
  }

  get #from() {
    return sql.identifier(this.#table.guide.name)
  }

  #quote(name: string): string {
    return toolsOf(this.#database.dialect).catalogue.quote(name)
  }

  #typeOf(name: string): string {
    return this.#table.columns.find((column) => column.name === name)?.type ?? ''
  }

  async #run(text: SQL): Promise<readonly (readonly unknown[])[]> {
    return (await this.#database.run(rawStatement(this.#database.dialect, text))).rows
  }
}

interface Position {
  readonly last: readonly unknown[] | undefined
  readonly rowsRead: number
}

/** How many rows a table that is left has. */
export async function countForeignRows(database: Readable, table: string): Promise<number> {
  const count = rawStatement(database.dialect, sql`select count(*) from ${sql.identifier(table)}`)
  const [row = []] = (await database.run(count)).rows
  return Number(row[0] ?? 0)
}
