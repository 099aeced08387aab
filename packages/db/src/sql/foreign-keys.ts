import { getTableColumns, type Column, type Table } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'
import type { Dialect } from './dialect.ts'

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

/** A column of another table that refers to a table. */
export interface Referrer {
  readonly table: AnyTable
  readonly column: Column
  /** The column's name among the members of the table's rows. */
  readonly property: string
}

/** All columns of the schema that refer to the table. */
export function referrersTo(dialect: Dialect, target: AnyTable): readonly Referrer[] {
  return Object.values<AnyTable>(dialect.tables).flatMap((table) => {
    const referring = new Set(foreignKeysOf(dialect, table).flatMap((key) => (key.target === target ? key.column : [])))
    return Object.entries<Column>(getTableColumns(table)).flatMap(([property, column]) =>
      referring.has(column) ? { table, column, property } : [],
    )
  })
}
