import { sql } from 'drizzle-orm'
import type { ArchiveColumn, ColumnKind } from '../../archive/tables.ts'
import type { BulkDialect } from '../../archive/bulk.ts'
import { plain } from '../plain.ts'

const types: Record<ColumnKind, string> = {
  id: 'text',
  text: 'text',
  // As text: a JSON string read as `json` would stay quoted.
  document: 'text',
  time: 'timestamp with time zone',
  flag: 'boolean',
  count: 'bigint',
}

export const postgresBulk: BulkDialect = {
  makesIndexesLast: true,
  // The server's own limit: a request that was given up may wait on.
  waitsBriefly: plain("select set_config('lock_timeout', '3s', true)"),
  writesAtOnce: 2,
  byteLength: (column) => sql<number>`coalesce(octet_length(${column}::text), 0)`.mapWith(Number),
  insertRows(table, columns, rows) {
    const names = columns.map(({ name }) => `"${name}"`).join(', ')
    const values = columns.map(valueOf).join(', ')
    const record = columns.map(({ name, kind }) => `"${name}" ${types[kind]}`).join(', ')
    return plain(
      `insert into "${table}" (${names}) select ${values} from json_to_recordset(cast($1 as json)) as "row"(${record})`,
      [`[${rows.map(({ text }) => text).join(',')}]`],
    )
  },
  sortKey: (value) => sql`${value}`,
  join: (texts) => sql<string>`concat(${sql.join([...texts], sql`, `)})`,
  json(column, { kind }) {
    switch (kind) {
      case 'id':
      case 'text':
      case 'document':
        return sql`to_json(${column}::text)`
      case 'count':
      case 'flag':
        return sql`${column}::text`
      case 'time':
        // `to_char` has neither infinities nor an era: what lies outside stays as it is, and is refused.
        return sql`case when ${column} >= '1000-01-01 00:00:00Z' and ${column} < '10000-01-01 00:00:00Z' then '"' || to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"' else to_json(${column}::text)::text end`
    }
  },
  // In the subquery's order: https://www.postgresql.org/docs/current/functions-aggregate.html
  listed: (text) => sql<string | null>`string_agg(${text}, chr(10))`,
  digest: (text, keys) =>
    sql<
      string | null
    >`encode(sha256(convert_to(string_agg(${text} || chr(10), '' order by ${sql.join([...keys], sql`, `)}), 'UTF8')), 'hex')`,
}

function valueOf({ name, kind }: ArchiveColumn): string {
  return kind === 'document' ? `cast("${name}" as json)` : `"${name}"`
}
