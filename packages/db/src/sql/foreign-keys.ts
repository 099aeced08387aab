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
  const referrers = referrersTo(dialect, target).filter(({ table }) => table !== kept)
  return referrers.flatMap((referrer) => {
    const condition = isTheirs(referrer.column, referrer.targetColumn)
    const deletion = buildStatement(dialect.builder.delete(referrer.table).where(condition))
    return detachRows(dialect, referrer, condition, deletion)
  })
}

/**
 * @param condition of the rows that refer to what goes
 * @param deletion of these rows
 */
function detachRows(
  dialect: Dialect,
  { table, column, property }: Referrer,
  condition: SQL,
  deletion: Statement,
): readonly Statement[] {
  if (!column.notNull) {
    const loss = dialect.builder
      .update(table)
      .set({ [property]: null })
      .where(condition)
    return [buildStatement(loss)]
  }
  const below = referrersTo(dialect, table).flatMap((referrer) => {
    const chosen = sql`select ${referrer.targetColumn} as chosen_id from ${table} where ${condition}`
    const joined = buildStatement({ toSQL: () => dialect.toSQL(dialect.deletion(referrer.column, chosen)) })
    return detachRows(dialect, referrer, inArray(referrer.column, chosen), joined)
  })
  return [...below, deletion]
}
