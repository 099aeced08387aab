import { sql } from 'drizzle-orm'
import type { ArchiveColumn, ColumnKind } from '../../archive/tables.ts'
import type { BulkDialect } from '../../archive/bulk.ts'
import { recordSeparator } from '../../archive/raw-rows.ts'
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
  makesForeignKeysLast: true,
  // The server's own limit: a request that was given up may wait on.
  waitsBriefly: plain("select set_config('lock_timeout', '3s', true)"),
  // SHARE is the weakest mode that conflicts with that of writes. It takes no right but that to update or delete.
  // https://www.postgresql.org/docs/current/sql-lock.html
  waitsForWriters: (table) => [
    plain("select set_config('lock_timeout', '10s', true)"),
    plain(`lock table "${table}" in share mode`),
  ],
  sharesRows: sql`for share`,
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
  canEncode: plain("select 1 where current_setting('server_encoding') <> 'SQL_ASCII'"),
  documentType: 'json',
  sortKey: (value) => sql`${value}`,
  join: (texts) => sql<string>`concat(${sql.join([...texts], sql`, `)})`,
  raw: {
    // As text it depends neither on the session's time zone nor on the server's.
    select: (column, { kind }) =>
      kind === 'time'
        ? sql`(${column} at time zone 'UTC')::text`
        : kind === 'id' || kind === 'text'
          ? sql`${column}`
          : sql`${column}::text`,
    write: ({ kind }, value) => (kind === 'time' ? stampOf(String(value)) : String(value)),
    flag: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
    time: instantOf,
  },
  // In the subquery's order: https://www.postgresql.org/docs/current/functions-aggregate.html
  listed: (text) => sql<string | null>`string_agg(${text} || ${sql.raw(`'${recordSeparator}'`)}, '')`,
  digest: (text, keys) =>
    sql<
      string | null
    >`encode(sha256(convert_to(string_agg(${text} || ${sql.raw(`'${recordSeparator}'`)}, '' order by ${sql.join([...keys], sql`, `)}), 'UTF8')), 'hex')`,
}

/** PostgreSQL leaves zeros at the end of a fraction out, and the point before them. */
function stampOf(instant: string): string {
  let end = 23
  while (instant[end - 1] === '0' && end > 20) end -= 1
  return `${instant.slice(0, 10)} ${instant.slice(11, end === 20 ? 19 : end)}`
}

function instantOf(stamp: string): string {
  // Neither infinities nor another era look so: they stay as they are, and are refused.
  const isStamp = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,3})?$/.test(stamp)
  if (!isStamp) return stamp
  const fraction = stamp.slice(20)
  return `${stamp.slice(0, 10)}T${stamp.slice(11, 19)}.${fraction.padEnd(3, '0')}Z`
}

function valueOf({ name, kind }: ArchiveColumn): string {
  return kind === 'document' ? `cast("${name}" as json)` : `"${name}"`
}
