import { typeOf } from '../../migrate/column-type.ts'
import type { Catalogue } from '../../migrate/catalogue.ts'
import { expectedShape } from '../expected-shape.ts'
import { plain } from '../plain.ts'
import { sqlite } from './dialect.ts'

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`

export const sqliteCatalogue: Catalogue = {
  expected: expectedShape(sqlite),
  columns: plain(
    `select m.name, c.name, c.type, case when c."notnull" = 1 then 0 else 1 end, null from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table' and substr(m.name, 1, 4) <> '_cf_' order by m.name, c.cid`,
  ),
  indexes: plain(
    `select t, i, u, p, c from (
      select m.name as t, l.name as i, l."unique" as u, case when l.origin = 'pk' then 1 else 0 end as p, x.name as c, x.seqno as n from sqlite_master m join pragma_index_list(m.name) l join pragma_index_info(l.name) x where m.type = 'table' and substr(m.name, 1, 4) <> '_cf_'
      union all
      select m.name, 'rowid', 1, 1, k.name, k.pk from sqlite_master m join pragma_table_info(m.name) k where m.type = 'table' and substr(m.name, 1, 4) <> '_cf_' and k.pk > 0 and not exists (select 1 from pragma_index_list(m.name) l where l.origin = 'pk')
    ) order by t, i, n`,
  ),
  foreignKeys: plain(
    `select m.name, f.id, f."from", f."table", coalesce(f."to", 'id') from sqlite_master m join pragma_foreign_key_list(m.name) f where m.type = 'table' and substr(m.name, 1, 4) <> '_cf_' order by m.name, f.id, f.seq`,
  ),
  quote,
  literal: (text) => `'${text.replaceAll("'", "''")}'`,
  // SQLite adds a column that takes null only; what it has can't be changed but by making the table anew.
  addColumn: (table, column) =>
    column.isNullable ? `alter table ${quote(table)} add column ${quote(column.name)} ${typeOf(column)}` : undefined,
  changeColumn: () => undefined,
  addForeignKey: () => undefined,
}
