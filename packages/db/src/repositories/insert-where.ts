import { Column, Param, SQL, getTableColumns, is, sql } from 'drizzle-orm'
import type { Dialect } from '../dialect.ts'
import type { Tables } from '../schema.ts'
import { isAnchor } from '../access.ts'

type InsertTable = Tables[keyof Tables]

/** A value a column: as it is, or SQL that gives it. */
type Given<Table extends InsertTable> = {
  readonly [Name in keyof Table['$inferSelect']]: Table['$inferSelect'][Name] | SQL | Column
}

/**
 * `insert into t (…) select values from marks where …`: an insert that happens only under a condition, in the same
 * words on every dialect.
 */
export function insertWhere<Table extends InsertTable>(
  dialect: Dialect,
  table: Table,
  values: Given<Table>,
  condition: SQL,
) {
  const { marks } = dialect.tables
  return insertFrom(dialect, table, values, sql`${marks} where ${isAnchor(dialect)} and ${condition}`)
}

/**
 * {@link insertWhere} for several rows in one statement. Their values come from a derived table; its first row gives
 * the types of all.
 */
export function insertAllWhere<Table extends InsertTable>(
  dialect: Dialect,
  table: Table,
  rows: readonly [Given<Table>, ...Given<Table>[]],
  condition: SQL,
) {
  const [first, ...others] = rows
  if (others.length === 0) return insertWhere(dialect, table, first, condition)
  const columns = Object.entries<Column>(getTableColumns(table))
  const firstRow = columns.map(([name, column]) => {
    return sql`${dialect.typed(valueOf(first[name], column), column)} as ${sql.identifier(column.name)}`
  })
  const otherRows = others.map((row) => columns.map(([name, column]) => valueOf(row[name], column)))
  const selects = [firstRow, ...otherRows].map((values) => sql`select ${sql.join(values, sql`, `)}`)
  const names = sql.join(
    columns.map(([, column]) => sql.identifier(column.name)),
    sql`, `,
  )
  const source = sql`(${sql.join(selects, sql` union all `)}) as ${sql.identifier('given')}`
  const { marks } = dialect.tables
  return dialect.builder
    .insert(table)
    .select(sql`select ${names} from ${source} where exists (select 1 from ${marks} where ${isAnchor(dialect)}) and ${condition}`)
}

/** `insert into t (…) select values from source`. The values come in the order of the table's columns. */
export function insertFrom<Table extends InsertTable>(
  dialect: Dialect,
  table: Table,
  values: Given<Table>,
  source: SQL,
) {
  const columns: Record<string, Column> = getTableColumns(table)
  const given: Readonly<Record<string, unknown>> = values
  const selection = Object.entries(columns).map(([name, column]) => valueOf(given[name], column))
  return dialect.builder.insert(table).select(sql`select ${sql.join(selection, sql`, `)} from ${source}`)
}

function valueOf(value: unknown, column: Column): SQL {
  return is(value, SQL) || is(value, Column) ? sql`${value}` : sql`${new Param(value, column)}`
}
