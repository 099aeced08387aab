import { sql } from 'drizzle-orm'
import type { ArchiveValue } from '../../archive/row.ts'
import type { ArchiveColumn } from '../../archive/tables.ts'
import type { BulkDialect } from '../../archive/bulk.ts'
import { recordSeparator } from '../../archive/raw-rows.ts'
import { plain } from '../plain.ts'

export const mysqlBulk: BulkDialect = {
  // Those that foreign keys need can't be left out, and DDL ends a transaction, so that none could guard it by the mark. The
  // server's own dump and load keep the indexes too.
  makesIndexesLast: false,
  makesForeignKeysLast: false,
  sharesRows: sql`lock in share mode`,
  writesAtOnce: 2,
  byteLength: (column) => sql<number>`coalesce(length(${column}), 0)`.mapWith(Number),
  insertRows(table, columns, rows) {
    const names = columns.map(({ name }) => `\`${name}\``).join(', ')
    const row = `(${columns.map(() => '?').join(', ')})`
    return plain(
      `insert into \`${table}\` (${names}) values ${rows.map(() => row).join(', ')}`,
      rows.flatMap((entry) => columns.map((column) => valueOf(column, entry.row[column.name] ?? null))),
    )
  },
  // `utf8mb4_bin` pads with spaces: a key stands behind its own continuation by a character below the space.
  misplacedKey: (column) => sql`${column} regexp ${'[\u0001-\u001f]'}`,
  sortKey: (value) => sql`cast(${value} as binary)`,
  join: (texts) => sql<string>`concat(${sql.join([...texts], sql`, `)})`,
  raw: {
    select(column, { kind }) {
      switch (kind) {
        case 'id':
        case 'text':
        case 'document':
          return sql`${column}`
        case 'count':
        case 'time':
          return sql`cast(${column} as char)`
        case 'flag':
          return sql`if(${column} is null, null, if(${column}, '1', '0'))`
      }
    },
    write(spec, value) {
      return String(valueOf(spec, value))
    },
    flag: (text) => text === '1',
    time: (text) => (text.length === 23 ? `${text.slice(0, 10)}T${text.slice(11)}Z` : text),
  },
  // Cut at `group_concat_max_len` (every driver sets it high): then the rows are read instead.
  digest: (text, keys) =>
    sql<
      string | null
    >`sha2(group_concat(concat(${text}, ${sql.raw(`'${recordSeparator}'`)}) order by ${sql.join([...keys], sql`, `)} separator ''), 256)`,
}

function valueOf({ kind }: ArchiveColumn, value: ArchiveValue): string | number | null {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (kind === 'time' && typeof value === 'string') return value.replace('T', ' ').replace('Z', '')
  return value
}
