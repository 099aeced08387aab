import { is, Column, getTableName, type Table } from 'drizzle-orm'
import type { ColumnShape, SchemaShape, TableShape } from '../migrate/catalogue.ts'

/** What drizzle's `getTableConfig` gives on every dialect, as far as a shape needs it. */
export interface TableConfig {
  readonly name: string
  readonly columns: readonly Column[]
  readonly primaryKeys: readonly { readonly columns: readonly Column[] }[]
  readonly indexes: readonly { readonly config: IndexConfig }[]
  readonly foreignKeys: readonly { getName(): string; reference(): ForeignKeyReference }[]
}

interface IndexConfig {
  readonly name?: string | undefined
  readonly columns: readonly unknown[]
  readonly unique?: boolean | undefined
}

interface ForeignKeyReference {
  readonly columns: readonly Column[]
  readonly foreignTable: Table
  readonly foreignColumns: readonly Column[]
}

/** The schema that the code needs, from drizzle's tables. */
export function expectedShape(configs: readonly TableConfig[]): SchemaShape {
  return new Map(configs.map((config) => [config.name, tableShape(config)]))
}

function tableShape({ columns, primaryKeys, indexes, foreignKeys }: TableConfig): TableShape {
  const declared = primaryKeys.flatMap((key) => key.columns.map(({ name }) => name))
  return {
    columns: columns.map(columnShape),
    primaryKey: declared.length > 0 ? declared : columns.filter(({ primary }) => primary).map(({ name }) => name),
    indexes: indexes.map(({ config }) => ({
      name: config.name ?? '',
      columns: config.columns.flatMap((column) => namesOf(column)),
      isUnique: config.unique === true,
    })),
    foreignKeys: foreignKeys.map((key) => {
      const { columns: own, foreignTable, foreignColumns } = key.reference()
      return {
        name: key.getName(),
        columns: own.map(({ name }) => name),
        target: getTableName(foreignTable),
        targetColumns: foreignColumns.map(({ name }) => name),
      }
    }),
  }
}

/** PostgreSQL's indexes hold a column by its name, the others the column itself. */
function namesOf(column: unknown): readonly string[] {
  if (is(column, Column)) return [column.name]
  return typeof column === 'object' && column !== null && 'name' in column ? [String(column.name)] : []
}

/** The kits write the collation into the type. */
function columnShape(column: Column): ColumnShape {
  const [type = '', collation] = column.getSQLType().replace(' character set utf8mb4', '').split(' collate ')
  return {
    name: column.name,
    type: type.toLowerCase(),
    isNullable: !column.notNull,
    collation: collation?.replaceAll('"', ''),
  }
}
