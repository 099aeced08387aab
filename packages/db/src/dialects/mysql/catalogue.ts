import { typeOf } from '../../migrate/column-type.ts'
import type { Catalogue, ColumnShape } from '../../migrate/catalogue.ts'
import { expectedShape } from '../expected-shape.ts'
import { plain } from '../plain.ts'
import { mysql } from './dialect.ts'

const quote = (name: string) => `\`${name.replaceAll('`', '``')}\``

export const mysqlCatalogue: Catalogue = {
  expected: expectedShape(mysql),
  // MariaDB shows a display width, `bigint(20)`, that MySQL no longer has.
  columns: plain(
    `select table_name, column_name, case when data_type = 'bigint' then 'bigint' else column_type end, case when is_nullable = 'YES' then 1 else 0 end, collation_name from information_schema.columns where table_schema = database() order by table_name, ordinal_position`,
  ),
  indexes: plain(
    `select table_name, index_name, 1 - non_unique, case when index_name = 'PRIMARY' then 1 else 0 end, column_name from information_schema.statistics where table_schema = database() order by table_name, index_name, seq_in_index`,
  ),
  foreignKeys: plain(
    `select table_name, constraint_name, column_name, referenced_table_name, referenced_column_name from information_schema.key_column_usage where table_schema = database() and referenced_table_name is not null order by table_name, constraint_name, ordinal_position`,
  ),
  quote,
  literal: (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
  addColumn: (table, column) =>
    column.isNullable || fillerOf(column) !== undefined
      ? `alter table ${quote(table)} add column ${quote(column.name)} ${typeOf(column)}${column.isNullable ? '' : ` not null default ${fillerOf(column) ?? ''}`}`
      : undefined,
  changeColumn: (table, column) =>
    `alter table ${quote(table)} modify column ${quote(column.name)} ${typeOf(column)}${column.isNullable ? '' : ' not null'}`,
  addForeignKey: (table, { name, columns, target, targetColumns }) =>
    `alter table ${quote(table)} add constraint ${quote(name)} foreign key (${columns.map(quote).join(', ')}) references ${quote(target)} (${targetColumns.map(quote).join(', ')})`,
}

/** What fills the rows that are there when a column that refuses null is added; MySQL's `longtext` takes no default. */
function fillerOf({ type }: ColumnShape): string | undefined {
  if (type === 'longtext') return undefined
  if (type.startsWith('varchar')) return "''"
  return type === 'datetime(3)' ? "'1970-01-01 00:00:00'" : '0'
}
