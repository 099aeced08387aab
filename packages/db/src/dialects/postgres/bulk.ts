import { sql } from 'drizzle-orm'
import type { ArchiveColumn, ColumnKind } from '../../archive/tables.ts'
import type { BulkDialect } from '../../bulk.ts'
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
}

function valueOf({ name, kind }: ArchiveColumn): string {
  return kind === 'document' ? `cast("${name}" as json)` : `"${name}"`
}
