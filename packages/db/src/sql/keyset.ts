import { and, lt, lte, or, type Column, type SQL } from 'drizzle-orm'

/** Where a page begins: after the row with this time and id, newest first. */
export interface Keyset {
  readonly at: Date
  readonly id: string
}

/** The columns that a list is ordered by. */
export interface KeysetColumns {
  readonly at: Column
  readonly id: Column
}

/** The condition of rows behind the keyset. The first condition alone bounds the index; MySQL bounds none by a comparison of pairs. */
export function isBehind({ at, id }: KeysetColumns, after: Keyset | undefined): SQL | undefined {
  return after === undefined ? undefined : and(lte(at, after.at), or(lt(at, after.at), lt(id, after.id)))
}
