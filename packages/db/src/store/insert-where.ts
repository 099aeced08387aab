import { Column, Param, SQL, getTableColumns, is, sql } from 'drizzle-orm'
import type { Dialect } from '../sql/dialect.ts'
import type { Tables } from '../schema/schema.ts'
import { isAnchor } from '../access/access.ts'
import type { Bind } from '../sql/building.ts'

type InsertTable = Tables[keyof Tables]

/** A value per column: as it is, or SQL that gives it. */
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

/** An insert without a condition: of what follows a gate. */
export function insertRow<Table extends InsertTable>(dialect: Dialect, table: Table, values: Given<Table>) {
  return dialect.builder.insert(table).select(sql`select ${listed(valuesOf(table, values))}`)
}

/** Places for all of a table's columns, by their names: a row fills them. */
export function places<Table extends InsertTable>(table: Table, bind: Bind<Table['$inferSelect']>): Given<Table> {
  type Name = keyof Table['$inferSelect'] & string
  const columns: Record<string, Column> = getTableColumns(table)
  // The names are the columns' own, as the types say.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const given = Object.entries(columns).map(([name, column]) => [name, bind(name as Name, column)])
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(given) as Given<Table>
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
  const columns: readonly Column[] = Object.values(getTableColumns(table))
  const firstRow = valuesOf(table, first).map((value, position) => {
    const column = columns[position]
    return column === undefined ? value : sql`${dialect.typed(value, column)} as ${sql.identifier(column.name)}`
  })
  const selects = [firstRow, ...others.map((row) => valuesOf(table, row))].map(
    (values) => sql`select ${listed(values)}`,
  )
  const given = sql.identifier('given')
  const names = columns.map(({ name }) => sql`${given}.${sql.identifier(name)}`)
  const { marks } = dialect.tables
  return dialect.builder.insert(table).select(
    sql`select ${listed(names)} from ${marks} inner join (${sql.join(selects, sql` union all `)}) as ${given} on 1 = 1
      where ${isAnchor(dialect)} and ${condition}`,
  )
}

/** `insert into t (…) select values from source`. The values come in the order of the table's columns. */
export function insertFrom<Table extends InsertTable>(
  dialect: Dialect,
  table: Table,
  values: Given<Table>,
  source: SQL,
) {
  return dialect.builder.insert(table).select(sql`select ${listed(valuesOf(table, values))} from ${source}`)
}

/** In the order of the table's columns. */
function valuesOf<Table extends InsertTable>(table: Table, values: Given<Table>): readonly SQL[] {
  const columns: Record<string, Column> = getTableColumns(table)
  const given: Readonly<Record<string, unknown>> = values
  return Object.entries(columns).map(([name, column]) => valueOf(given[name], column))
}

function listed(values: readonly SQL[]): SQL {
  return sql.join([...values], sql`, `)
}

function valueOf(value: unknown, column: Column): SQL {
  return is(value, SQL) || is(value, Column) ? sql`${value}` : sql`${new Param(value, column)}`
}
