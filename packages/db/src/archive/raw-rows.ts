import { sql, type Column, type SQL } from 'drizzle-orm'
import type { BulkDialect } from './bulk.ts'
import { entryOf, type ArchiveEntry, type ArchiveRow, type ArchiveValue } from './row.ts'
import type { RawValue } from '../sql/loading.ts'
import type { ArchiveColumn, ArchiveTable } from './tables.ts'

/** Stands between the values of a row. */
const unitSeparator = '\u001f'

/** Stands behind each row. */
export const recordSeparator = '\u001e'

/** Begins each value of a column that may be null: null is the empty text there. */
const presence = '='

/** Of a value that has no text: a BLOB. */
const noText = sql.raw(`x'00'`)

/** The text of `noText`, which no column of an archive holds. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value) : '\u0000'
}

export interface RawColumn {
  readonly spec: ArchiveColumn
  readonly column: Column
}

/**
 * Many rows as one text: each value as the database itself writes it as text, which costs it much less than JSON, and
 * separators between. Drivers take each value of each row through several hands, and one text through the same ones once.
 */
export class RawRows {
  readonly #bulk: BulkDialect
  readonly #columns: readonly RawColumn[]
  readonly #readers: readonly Reader[]

  constructor(bulk: BulkDialect, columns: readonly RawColumn[]) {
    this.#bulk = bulk
    this.#columns = columns
    this.#readers = columns.map(({ spec }) => readerOf(bulk, spec))
  }

  /**
   * A row, without what stands behind it. Where a column that is never null is, or a value has no text, one separator is
   * too many: so it is seen.
   */
  get select(): SQL<string> {
    const bulk = this.#bulk
    const separator = sql.raw(`'${unitSeparator}'`)
    const texts = this.#columns.flatMap(({ spec, column }, position) => {
      const text = bulk.raw.select(column, spec, separator)
      const value = spec.isNullable
        ? sql`case when ${column} is null then '' else ${bulk.join([sql.raw(`'${presence}'`), text])} end`
        : sql`coalesce(${text}, ${separator})`
      return position === 0 ? [value] : [separator, value]
    })
    return bulk.join(texts)
  }

  /** Rows as `select` gives them, each with what stands behind it. */
  write(table: ArchiveTable, entries: readonly ArchiveEntry[]): string {
    let text = ''
    for (const values of rawValues(this.#bulk, table, entries)) {
      for (let at = 0; at < values.length; at += 1) {
        if (at > 0) text += unitSeparator
        const value = values[at]
        if (value === null || value === undefined) continue
        text += this.#columns[at]?.spec.isNullable === true ? presence + value : value
      }
      text += recordSeparator
    }
    return text
  }

  /**
   * The rows of a text that has `recordSeparator` behind each. Undefined where the text is cut, they are not as many as they
   * should be, or a value holds a separator: then there are too many of those.
   */
  read(text: string, rows: number): readonly ArchiveEntry[] | undefined {
    if (rows === 0) return text === '' ? [] : undefined
    if (!text.endsWith(recordSeparator)) return undefined
    const entries: ArchiveEntry[] = []
    for (const line of text.slice(0, -recordSeparator.length).split(recordSeparator)) {
      const values = line.split(unitSeparator)
      if (values.length !== this.#columns.length) return undefined
      entries.push(entryOf(this.#rowOf(values)))
    }
    return entries.length === rows ? entries : undefined
  }

  /** The columns of a row that is read by itself. */
  get columns(): readonly (readonly [name: string, value: SQL])[] {
    const { raw } = this.#bulk
    return this.#columns.map(({ spec, column }) => [
      spec.name,
      raw.selectAlone?.(column, spec, noText) ?? raw.select(column, spec, noText),
    ])
  }

  /** A row of `columns`, from the driver's values. */
  readRow(values: readonly unknown[]): ArchiveEntry {
    const row: Record<string, ArchiveValue> = {}
    for (const [at, { spec }] of this.#columns.entries()) {
      const value = values[at] ?? null
      row[spec.name] = value === null ? null : readValue(this.#bulk, spec, textOf(value))
    }
    return entryOf(row)
  }

  #rowOf(texts: readonly string[]): ArchiveRow {
    const row: Record<string, ArchiveValue> = {}
    for (let at = 0; at < texts.length; at += 1) {
      const reader = this.#readers[at]
      const text = texts[at]
      if (reader === undefined || text === undefined) break
      row[reader.name] = reader.read(text)
    }
    return row
  }
}

interface Reader {
  readonly name: string
  readonly read: (text: string) => ArchiveValue
}

function readerOf(bulk: BulkDialect, spec: ArchiveColumn): Reader {
  const read = (text: string): ArchiveValue => readValue(bulk, spec, text)
  if (!spec.isNullable) return { name: spec.name, read }
  return { name: spec.name, read: (text) => (text === '' ? null : read(text.slice(presence.length))) }
}

function readValue({ raw }: BulkDialect, { kind }: ArchiveColumn, text: string): ArchiveValue {
  if (kind === 'flag' || kind === 'time') return raw[kind](text)
  return kind === 'count' ? countOf(text) : text
}

/** A page's values are written, and digested for the proof. */
const knownValues = new WeakMap<readonly ArchiveEntry[], readonly (readonly RawValue[])[]>()

/** The rows' values as the database itself writes them as text, in the table's order of columns. */
export function rawValues(
  { raw }: BulkDialect,
  { columns }: ArchiveTable,
  entries: readonly ArchiveEntry[],
): readonly (readonly RawValue[])[] {
  const known = knownValues.get(entries)
  if (known !== undefined) return known
  const values = entries.map(({ row }) =>
    columns.map((spec) => {
      const value = row[spec.name] ?? null
      return value === null ? null : raw.write(spec, value)
    }),
  )
  knownValues.set(entries, values)
  return values
}

/** A number's value; a text that is none stays one, and is refused as a count. */
export function countOf(text: string): number | string {
  return /^-?\d{1,16}$/.test(text) ? Number(text) : text
}

/** A text of its own: one that was cut out of a page keeps the whole page in memory. */
export function ownText(text: string): string {
  const copy: unknown = JSON.parse(JSON.stringify(text))
  return typeof copy === 'string' ? copy : text
}
