import { sql, type Column, type SQL } from 'drizzle-orm'
import type { Dialect } from './dialect.ts'

/** A page ends early where its large columns go beyond so many bytes: an isolate holds several answers at once. */
export const mostPageBytes = 8 * 1024 * 1024

/** What columns of a row have, which may be null. */
export function bytesOf(dialect: Dialect, columns: readonly Column[]): SQL {
  const lengths = columns.map((column) => sql`coalesce(octet_length(${dialect.exactText(column)}), 0)`)
  return sql.join(lengths, sql` + `)
}

/**
 * 1 for rows that a page has no room for, in its order, else 0; the first with bytes always has. Of rows that are cut to
 * a page already: a window reads all that it is over.
 */
export function isTooMuch(bytes: SQL, order: SQL): SQL<number> {
  const total = sql`sum(${bytes}) over (order by ${order})`
  const most = sql.raw(String(mostPageBytes))
  return sql`case when ${total} > ${bytes} and ${total} > ${most} then 1 else 0 end`.mapWith(Number)
}

/** Rows of a page with what is too much for it left out, and whether there is such. */
export interface Cut<Row> {
  readonly rows: readonly Row[]
  readonly isCut: boolean
}

export function cutOf<Row extends { readonly isTooMuch: number | null }>(rows: readonly Row[]): Cut<Row> {
  const kept = rows.filter((row) => row.isTooMuch !== 1)
  return { rows: kept, isCut: kept.length < rows.length }
}
