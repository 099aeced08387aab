import { sql, type Column, type SQL } from 'drizzle-orm'
import type { BulkDialect } from './bulk.ts'
import { entryOf, ReadEntry, type ArchiveEntry, type ArchiveRow, type ArchiveValue } from './row.ts'
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
  /** Each row begins as a copy of it: a member after the other, the row would be moved as it grows. */
  readonly #empty: ArchiveRow

  constructor(bulk: BulkDialect, columns: readonly RawColumn[]) {
    this.#bulk = bulk
    this.#columns = columns
    this.#empty = Object.fromEntries(columns.map(({ spec }) => [spec.name, null]))
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
    const known = knownTexts.get(entries)
    if (known !== undefined && known.bulk === this.#bulk && known.columns === table.columns) return known.text
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
  read(table: ArchiveTable, text: string, rows: number): readonly ArchiveEntry[] | undefined {
    if (rows === 0) return text === '' ? [] : undefined
    if (!text.endsWith(recordSeparator)) return undefined
    const texts = text.slice(0, -recordSeparator.length).split(recordSeparator)
    return texts.length === rows ? this.#entriesOf(table, texts, text) : undefined
  }

  /** As `read`, of rows that are texts by themselves. */
  readTexts(table: ArchiveTable, texts: readonly string[]): readonly ArchiveEntry[] | undefined {
    if (texts.length === 0) return []
    return this.#entriesOf(table, texts, `${texts.join(recordSeparator)}${recordSeparator}`)
  }

  #entriesOf(table: ArchiveTable, texts: readonly string[], text: string): readonly ArchiveEntry[] | undefined {
    const entries: ArchiveEntry[] = []
    const values: (readonly RawValue[])[] = []
    for (const line of texts) {
      const parts = line.split(unitSeparator)
      if (parts.length !== this.#columns.length) return undefined
      const raw = this.#valuesOf(parts)
      values.push(raw)
      entries.push(new RawEntry(this, raw))
    }
    // A database of the same kind takes them as they are, and its digest is of the same text.
    const { columns } = table
    knownTexts.set(entries, { bulk: this.#bulk, columns, text })
    knownValues.set(entries, { bulk: this.#bulk, columns, values })
    return entries
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

  /** A row's texts without what tells null from the empty text. */
  #valuesOf(texts: readonly string[]): readonly RawValue[] {
    return texts.map((text, at) => {
      if (this.#columns[at]?.spec.isNullable !== true) return text
      return text === '' ? null : text.slice(presence.length)
    })
  }

  /** A row of the values that a database wrote as text. */
  rowOf(values: readonly RawValue[]): ArchiveRow {
    const row: Record<string, ArchiveValue> = { ...this.#empty }
    for (let at = 0; at < values.length; at += 1) {
      const column = this.#columns[at]
      const value = values[at] ?? null
      if (column === undefined) break
      row[column.spec.name] = value === null ? null : readValue(this.#bulk, column.spec, value)
    }
    return row
  }
}

class RawEntry extends ReadEntry {
  readonly #rows: RawRows
  readonly #values: readonly RawValue[]

  constructor(rows: RawRows, values: readonly RawValue[]) {
    super()
    this.#rows = rows
    this.#values = values
  }

  protected override read(): ArchiveRow {
    return this.#rows.rowOf(this.#values)
  }
}

function readValue({ raw }: BulkDialect, { kind }: ArchiveColumn, text: string): ArchiveValue {
  if (kind === 'flag' || kind === 'time') return raw[kind](text)
  return kind === 'count' ? countOf(text) : text
}

/** What a database of that kind writes, and the columns that it is of. */
interface Known {
  readonly bulk: BulkDialect
  readonly columns: ArchiveTable['columns']
}

/** The text that a page was read from. */
const knownTexts = new WeakMap<readonly ArchiveEntry[], Known & { readonly text: string }>()

/** A page's values are written, and digested for the proof. */
const knownValues = new WeakMap<
  readonly ArchiveEntry[],
  Known & { readonly values: readonly (readonly RawValue[])[] }
>()

/** The rows' values as the database itself writes them as text, in the table's order of columns. */
export function rawValues(
  bulk: BulkDialect,
  { columns }: ArchiveTable,
  entries: readonly ArchiveEntry[],
): readonly (readonly RawValue[])[] {
  const known = knownValues.get(entries)
  if (known !== undefined && known.bulk === bulk && known.columns === columns) return known.values
  const values = entries.map(({ row }) =>
    columns.map((spec) => {
      const value = row[spec.name] ?? null
      return value === null ? null : bulk.raw.write(spec, value)
    }),
  )
  knownValues.set(entries, { bulk, columns, values })
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
