import { getTableColumns, inArray, sql, type Column, type SQL, type Table } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'
import { buildStatement } from './building.ts'
import type { Dialect } from './dialect.ts'
import type { Statement } from './statement.ts'

type AnyTable = Tables[keyof Tables]

/** A foreign key of one column, as all of the schema's are. */
export interface ForeignKey {
  readonly column: Column
  readonly target: Table
  readonly targetColumn: Column
}

export function foreignKeysOf(dialect: Dialect, table: AnyTable): readonly ForeignKey[] {
  return dialect.configOf(table).foreignKeys.map((key) => {
    const { columns, foreignTable: target, foreignColumns } = key.reference()
    const [column, targetColumn] = [columns[0], foreignColumns[0]]
    if (column === undefined || targetColumn === undefined || columns.length > 1) {
      throw new TypeError(`the foreign key ${key.getName()} has not one column`)
    }
    return { column, target, targetColumn }
  })
}

/** A column of a table that refers to another one. */
interface Referrer extends ForeignKey {
  readonly table: AnyTable
  /** The column's name among the members of the table's rows. */
  readonly property: string
}

/** Read once: drizzle works out what a table declares at each call. */
const known = new WeakMap<Dialect, readonly Referrer[]>()

function allReferrers(dialect: Dialect): readonly Referrer[] {
  const referrers = Object.values<AnyTable>(dialect.tables).flatMap((table) => {
    const properties = new Map(Object.entries<Column>(getTableColumns(table)).map(([name, column]) => [column, name]))
    return foreignKeysOf(dialect, table).map((key) => ({ ...key, table, property: properties.get(key.column) ?? '' }))
  })
  known.set(dialect, referrers)
  return referrers
}

/** All columns of the schema that refer to the table. */
export function referrersTo(dialect: Dialect, target: AnyTable): readonly Referrer[] {
  return (known.get(dialect) ?? allReferrers(dialect)).filter((key) => key.target === target)
}

/**
 * What goes before rows of a table do, children first: rows that cannot be without them are deleted, others lose the
 * reference.
 * @param isTheirs of a column that refers to the table, and the one that it refers to: that it refers to one of those rows
 * @param kept a table whose rows are known not to refer to them
 */
export function detach(
  dialect: Dialect,
  target: AnyTable,
  isTheirs: (column: Column, key: Column) => SQL,
  kept?: AnyTable,
): readonly Statement[] {
  const { builder } = dialect
  const referrers = referrersTo(dialect, target).filter(({ table }) => table !== kept)
  return referrers.flatMap(({ table, column, targetColumn, property }) => {
    const condition = isTheirs(column, targetColumn)
    if (!column.notNull)
      return buildStatement(
        builder
          .update(table)
          .set({ [property]: null })
          .where(condition),
      )
    const below = detachBelow(dialect, table, (key) => chosenOf(table, key, condition))
    return [...below, buildStatement(builder.delete(table).where(condition))]
  })
}

/** @param gone of the column that is referred to: the values of the rows that go, as a subquery */
function detachBelow(dialect: Dialect, target: AnyTable, gone: (key: Column) => SQL): readonly Statement[] {
  const { builder } = dialect
  return referrersTo(dialect, target).flatMap(({ table, column, targetColumn, property }) => {
    const chosen = gone(targetColumn)
    const condition = inArray(column, chosen)
    if (!column.notNull)
      return buildStatement(
        builder
          .update(table)
          .set({ [property]: null })
          .where(condition),
      )
    const below = detachBelow(dialect, table, (key) => chosenOf(table, key, condition))
    return [...below, buildStatement({ toSQL: () => dialect.toSQL(dialect.deletion(column, chosen)) })]
  })
}

function chosenOf(table: AnyTable, key: Column, condition: SQL): SQL {
  return sql`select ${key} as chosen_id from ${table} where ${condition}`
}
