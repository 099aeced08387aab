import { sql } from 'drizzle-orm'
import type { ArchiveColumn } from '../../archive/tables.ts'
import type { BulkDialect } from '../../archive/bulk.ts'
import { plain } from '../plain.ts'

/** Milliseconds of the years 1000 to 9999. */
const firstInstant = Date.UTC(1000, 0, 1)
const lastInstant = Date.UTC(10_000, 0, 1) - 1

export const sqliteBulk: BulkDialect = {
  makesIndexesLast: true,
  writesAtOnce: 1,
  byteLength: (column) => sql<number>`coalesce(length(cast(${column} as blob)), 0)`.mapWith(Number),
  insertRows(table, columns, rows) {
    const names = columns.map(({ name }) => `\`${name}\``).join(', ')
    const values = columns.map(valueOf).join(', ')
    // Materialized: json_each would write each row's text anew for each of its columns.
    const read = 'with `rows`(`row`) as materialized (select value from json_each(?))'
    return plain(`${read} insert into \`${table}\` (${names}) select ${values} from \`rows\``, [
      `[${rows.map(({ text }) => text).join(',')}]`,
    ])
  },
  sortKey: (value) => sql`${value}`,
  join: (texts) => sql<string>`${sql.join([...texts], sql` || `)}`,
  json(column, { kind }) {
    switch (kind) {
      case 'flag':
        return sql`case ${column} when 0 then 'false' when 1 then 'true' else json_quote(${column}) end`
      case 'time': {
        const bounds = sql.raw(`between ${firstInstant} and ${lastInstant}`)
        return sql`case when typeof(${column}) = 'integer' and ${column} ${bounds} then strftime('"%Y-%m-%dT%H:%M:%fZ"', ${column} / 1000.0, 'unixepoch') else json_quote(${column}) end`
      }
      default:
        return sql`json_quote(${column})`
    }
  },
  // In the subquery's order, which SQLite keeps; https://www.sqlite.org/lang_aggfunc.html#group_concat
  listed: (text) => sql<string | null>`group_concat(${text}, char(10))`,
}

/** Times are integer milliseconds; a flag of JSON is 0 or 1 by itself. */
function valueOf({ name, kind }: ArchiveColumn): string {
  const value = `json_extract(\`row\`, '$.${name}')`
  if (kind !== 'time') return value
  return `strftime('%s', ${value}) * 1000 + cast(substr(${value}, 21, 3) as integer)`
}
