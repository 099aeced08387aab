import { sql, type Column, type SQL } from 'drizzle-orm'

/** Deletes the rows whose column has one of the values that a subquery gives. */
export function deletionWhereIn(column: Column, chosen: SQL): SQL {
  return sql`delete from ${column.table} where ${column} in (${chosen})`
}
