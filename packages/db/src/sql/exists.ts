import { and, exists, sql, type SQL } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'
import type { Dialect } from './dialect.ts'

/** The condition that a table has a row with all of these. */
export function existsIn(
  { builder }: Pick<Dialect, 'builder'>,
  table: Tables[keyof Tables],
  ...conditions: readonly (SQL | undefined)[]
): SQL {
  return exists(
    builder
      .select({ one: sql`1` })
      .from(table)
      .where(and(...conditions)),
  )
}
