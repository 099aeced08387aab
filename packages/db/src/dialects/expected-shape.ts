import { is, Column, getTableName } from 'drizzle-orm'
import type { ColumnShape, SchemaShape, TableShape } from '../migrate/catalogue.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { TableConfig } from '../sql/table-config.ts'

/** The schema that the code needs, the migrator's own tables apart. */
export function expectedShape({ tables, configOf }: Dialect): SchemaShape {
  const { marks: _marks, migrations: _migrations, ...own } = tables
  return new Map(Object.values(own).map((table) => [getTableName(table), tableShape(configOf(table))]))
}

/** Names of the columns of a table's primary key. */
export function primaryKeyOf({ columns, primaryKeys }: TableConfig): readonly string[] {
  const declared = primaryKeys.flatMap((key) => key.columns)
  return (declared.length > 0 ? declared : columns.filter(({ primary }) => primary)).map(({ name }) => name)
}

function tableShape(config: TableConfig): TableShape {
  const { columns, indexes, foreignKeys } = config
  return {
    columns: columns.map(columnShape),
    primaryKey: primaryKeyOf(config),
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
