import { Param, getTableColumns, sql, type Column, type SQL } from 'drizzle-orm'
import type { Dialect } from '../dialect.ts'
import type { Tables } from '../schema.ts'
import { isAnchor } from '../access.ts'

type InsertTable = Tables[keyof Tables]

/**
 * `insert into t (…) select values from marks where …`: an insert that happens only under a condition, in the same
 * words on every dialect. The values come in the order of the table's columns.
 */
export function insertWhere<Table extends InsertTable>(
  dialect: Dialect,
  table: Table,
  values: Table['$inferSelect'],
  condition: SQL,
) {
  const columns: Record<string, Column> = getTableColumns(table)
  const given: Readonly<Record<string, unknown>> = values
  const selection = Object.entries(columns).map(([name, column]) => sql`${new Param(given[name], column)}`)
  const { marks } = dialect.tables
  const rows = sql`select ${sql.join(selection, sql`, `)} from ${marks} where ${isAnchor(dialect)} and ${condition}`
  return dialect.builder.insert(table).select(rows)
}
