import { typeOf } from '../../migrate/column-type.ts'
import type { Catalogue, ColumnShape } from '../../migrate/catalogue.ts'
import { expectedShape } from '../expected-shape.ts'
import { plain } from '../plain.ts'
import { postgres } from './dialect.ts'

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`

/** What fills the rows that are there when a column that refuses null is added. */
const fillers: Readonly<Record<string, string>> = { bigint: '0', boolean: 'false', json: "'{}'", text: "''" }

export const postgresCatalogue: Catalogue = {
  expected: expectedShape(postgres),
  columns: plain(
    `select t.relname, a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 0 else 1 end, case when a.attcollation = y.typcollation and y.typcollation <> 0 then 'default' else l.collname end
    from pg_attribute a join pg_class t on t.oid = a.attrelid join pg_namespace n on n.oid = t.relnamespace join pg_type y on y.oid = a.atttypid left join pg_collation l on l.oid = a.attcollation
    where n.nspname = current_schema() and t.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped order by t.relname, a.attnum`,
  ),
  indexes: plain(
    `select t.relname, i.relname, case when x.indisunique then 1 else 0 end, case when x.indisprimary then 1 else 0 end, a.attname
    from pg_index x join pg_class t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid join pg_namespace n on n.oid = t.relnamespace
    cross join lateral unnest(x.indkey) with ordinality as k(number, place) join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number
    where n.nspname = current_schema() and x.indisvalid and x.indpred is null and k.place <= x.indnkeyatts order by t.relname, i.relname, k.place`,
  ),
  foreignKeys: plain(
    `select t.relname, c.conname, a.attname, f.relname, b.attname
    from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_class f on f.oid = c.confrelid join pg_namespace n on n.oid = t.relnamespace
    cross join lateral unnest(c.conkey, c.confkey) with ordinality as k(own, other, place)
    join pg_attribute a on a.attrelid = t.oid and a.attnum = k.own join pg_attribute b on b.attrelid = f.oid and b.attnum = k.other
    where c.contype = 'f' and n.nspname = current_schema() order by t.relname, c.conname, k.place`,
  ),
  quote,
  literal: (text) => `'${text.replaceAll("'", "''")}'`,
  addColumn: (table, column) =>
    `alter table ${quote(table)} add column ${quote(column.name)} ${typeOf(column)}${column.isNullable ? '' : ` not null default ${fillerOf(column)}`}`,
  changeColumn: (table, column) =>
    `alter table ${quote(table)} alter column ${quote(column.name)} type ${typeOf(column)} using ${quote(column.name)}::${column.type}, alter column ${quote(column.name)} ${column.isNullable ? 'drop' : 'set'} not null`,
  addForeignKey: (table, { name, columns, target, targetColumns }) =>
    `alter table ${quote(table)} add constraint ${quote(name)} foreign key (${columns.map(quote).join(', ')}) references ${quote(target)} (${targetColumns.map(quote).join(', ')})`,
}

function fillerOf({ type }: ColumnShape): string {
  return fillers[type] ?? "'1970-01-01 00:00:00+00'"
}
