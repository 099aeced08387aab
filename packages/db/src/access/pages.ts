import { desc, sql, type GetColumnData, type SQL } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'
import type { BuilderColumn, Dialect } from '../sql/dialect.ts'
import { isTooMuch } from '../sql/page-bytes.ts'
import type { Join, Parts } from './reads.ts'

type Table = Tables[keyof Tables]
type Columns = Readonly<Record<string, BuilderColumn>>

type Placed<Selected extends Columns> = {
  readonly [Name in keyof Selected]: SQL<GetColumnData<Selected[Name], 'raw'> | null>
}

interface Page<Selected extends Columns> {
  readonly table: Table
  readonly innerJoin?: readonly [Table, SQL]
  readonly fields: Selected
  readonly where: SQL | undefined
  /** What the page is ordered by, downwards; among the fields. */
  readonly newest: readonly BuilderColumn[]
  /** One more is read, which says that the list goes on. */
  readonly limit: number
}

/** A page of rows beside what a caller reads: for `fromCaller` and `fromWorkflow`. */
export function pageOf<Selected extends Columns>(
  { builder }: Dialect,
  { table, innerJoin, fields, where, newest, limit }: Page<Selected>,
): Parts<Placed<Selected>> {
  const rows = builder.select(fields).from(table).$dynamic()
  if (innerJoin !== undefined) void rows.innerJoin(...innerJoin)
  void rows.where(where)
  void rows.orderBy(...newest.map((column) => desc(column)))
  void rows.limit(limit + 1)
  const placed: unknown = Object.fromEntries(Object.entries(fields).map(([name, column]) => [name, inPage(column)]))
  return {
    // Each of the page's columns has the name and the decoder of the one that it is of.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    fields: placed as Placed<Selected>,
    joins: [[sql`(${rows}) page`, sql`1 = 1`]],
    orderBy: newest.map((column) => sql`${inPage(column)} desc`),
  }
}

function inPage(column: BuilderColumn) {
  return sql`page.${sql.identifier(column.name)}`.mapWith(column)
}

interface SizedPage {
  /** Selects `id`, `bytes` and the columns of the order, cut to a page. */
  readonly rows: SQL
  readonly order: SQL
  readonly table: Table
  readonly id: BuilderColumn
}

/**
 * A page of rows whose texts may be long: which they are and how long is read first, in their order, and of those that the
 * page has no room for nothing more.
 */
export function sizedPage({ rows, order, table, id }: SizedPage) {
  const sized = sql`select sized.*, ${isTooMuch(sql`sized.bytes`, order)} as is_too_much from (${rows}) sized`
  const joins: readonly Join[] = [
    [sql`(${sized}) page`, sql`1 = 1`],
    [table, sql`${id} = page.id and page.is_too_much = 0`],
  ]
  return { isTooMuch: sql<number | null>`page.is_too_much`.mapWith(Number), joins }
}

/** Ids of a page that comes of several parts, each cut to a page. A row that is in several of them is there once. */
export function unionOf(parts: readonly SQL[]): SQL {
  return sql.join(
    parts.map((part, position) => sql`select * from (${part}) ${sql.raw(`part_${position}`)}`),
    sql` union `,
  )
}
