import { sql, type Column, type SQL } from 'drizzle-orm'
import { isoOf, millisecondsOf } from '../../sql/instants.ts'
import type { ArchiveColumn, ColumnKind } from '../../archive/tables.ts'
import type { BulkDialect } from '../../archive/bulk.ts'
import type { ArchiveValue } from '../../archive/row.ts'
import { countOf, recordSeparator } from '../../archive/raw-rows.ts'
import { plain } from '../plain.ts'

/** Milliseconds of the years 1000 to 9999. */
const firstInstant = Date.UTC(1000, 0, 1)
const lastInstant = Date.UTC(10_000, 0, 1) - 1

const separator = sql.raw(`'${recordSeparator}'`)

export const sqliteBulk: BulkDialect = {
  makesIndexesLast: true,
  makesForeignKeysLast: false,
  sharesRows: sql``,
  writesAtOnce: 1,
  // Unlike the length of a blob it is known without the text, which a whole table would be read for.
  byteLength: (column) => sql<number>`coalesce(octet_length(${column}), 0)`.mapWith(Number),
  insertRows(table, columns, rows) {
    const names = columns.map(({ name }) => `\`${name}\``).join(', ')
    const [only, ...others] = rows
    // As JSON a document may be longer than a value of D1's can be, which the document itself is not.
    if (only !== undefined && others.length === 0) {
      const bound = columns.map((column) => boundOf(column, only.row[column.name]))
      return plain(`insert into \`${table}\` (${names}) values (${bound.map(() => '?').join(', ')})`, bound)
    }
    const values = columns.map(valueOf).join(', ')
    // Materialized: json_each would write each row's text anew for each of its columns.
    const read = 'with `rows`(`row`) as materialized (select value from json_each(?))'
    return plain(`${read} insert into \`${table}\` (${names}) select ${values} from \`rows\``, [
      `[${rows.map(({ text }) => text).join(',')}]`,
    ])
  },
  sortKey: (value) => sql`${value}`,
  join: joined,
  raw: {
    select: (column, { kind }, invalid) =>
      isNumber(kind)
        ? numberOf(column, invalid)
        : sql`case typeof(${column}) when 'blob' then ${invalid} else ${column} end`,
    // Drivers end a text at NUL: in a list what stands behind it is missing then.
    selectAlone: (column, { kind }, invalid) =>
      isNumber(kind)
        ? numberOf(column, invalid)
        : sql`case when typeof(${column}) = 'blob' or instr(${column}, char(0)) > 0 then ${invalid} else ${column} end`,
    write({ kind }, value) {
      if (kind === 'time') return String(millisecondsOf(String(value)))
      return typeof value === 'boolean' ? String(Number(value)) : String(value)
    },
    flag: (text) => (text === '0' || text === '1' ? text === '1' : text),
    time: instantOf,
  },
  // In the subquery's order, which SQLite keeps; https://www.sqlite.org/lang_aggfunc.html#group_concat
  listed: (text) => sql<string | null>`group_concat(${text}, ${separator}) || ${separator}`,
}

/** By halves: each `||` copies what is on its left, which from left to right is the row again and again. */
function joined(texts: readonly SQL[]): SQL<string> {
  const [first = sql`''`, second] = texts
  if (second === undefined) return sql<string>`${first}`
  const half = Math.ceil(texts.length / 2)
  return sql<string>`(${joined(texts.slice(0, half))} || ${joined(texts.slice(half))})`
}

/** A column may hold a text or a float against its type, and an empty text would pass for 0. */
function numberOf(column: Column, invalid: SQL): SQL {
  return sql`case typeof(${column}) when 'integer' then ${column} when 'null' then null else ${invalid} end`
}

function isNumber(kind: ColumnKind): boolean {
  return kind === 'time' || kind === 'flag' || kind === 'count'
}

function instantOf(text: string): string {
  const milliseconds = countOf(text)
  if (typeof milliseconds === 'string') return text
  return milliseconds >= firstInstant && milliseconds <= lastInstant ? isoOf(milliseconds) : text
}

/** What {@link valueOf} makes of it. */
function boundOf({ kind }: ArchiveColumn, value: ArchiveValue | undefined): string | number | null {
  if (value === undefined || value === null) return null
  if (kind === 'time') return millisecondsOf(String(value))
  return typeof value === 'boolean' ? Number(value) : value
}

/** Times are integer milliseconds; a flag of JSON is 0 or 1 by itself. */
function valueOf({ name, kind }: ArchiveColumn): string {
  const value = `json_extract(\`row\`, '$.${name}')`
  if (kind !== 'time') return value
  return `strftime('%s', ${value}) * 1000 + cast(substr(${value}, 21, 3) as integer)`
}
