import type { InspectionDialect } from '../../checklist/inspection.ts'
import { plain } from '../plain.ts'

/** Milliseconds since the epoch by the server's clock. */
const now = `cast((julianday('now') - 2440587.5) * 86400000 as integer)`

export const sqliteInspection: InspectionDialect = {
  server: plain(`select 'SQLite ' || sqlite_version(), ${now}, (select encoding from pragma_encoding), 0`),
  limitNames: [],
  encoding: 'UTF-8',
  encodingFix:
    'A SQLite file keeps the encoding that it was made with: make a new one with `millrace migrate`, and move the rows with `millrace copy`.',
  encryption: undefined,
  json: plain(
    `select json_valid('{"a":[1.0]}') = 1 and json_valid('{') = 0 and (select json_group_array(json_array(one)) from (select 1 as one)) = '[[1]]'`,
  ),
  // `pragma table_info` shows no collation; the indexes, by which ids and keys are looked for, do.
  strangeCollations: plain(
    `select distinct m.name, x.name, x.coll from sqlite_master m join pragma_index_list(m.name) l join pragma_index_xinfo(l.name) x where m.type = 'table' and substr(m.name, 1, 4) <> '_cf_' and x.key = 1 and x.name is not null and x.coll <> 'BINARY' order by 1, 2`,
  ),
  // Who may open the file may read and write.
  rights: [],
}

/** D1 lets nobody ask for its version or its encoding, which is UTF-8: https://developers.cloudflare.com/d1/sql-api/ */
export const d1Inspection: InspectionDialect = {
  ...sqliteInspection,
  server: plain(`select 'D1 (SQLite)', ${now}, 'UTF-8', 0`),
}
