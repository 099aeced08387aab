import { isInstant, refuseDuplicates, writeRow } from './lines.ts'
import { entryOf, type ArchiveEntry, type ArchiveRow, type ArchiveValue } from './row.ts'
import type { ArchiveColumn, ArchiveTable } from './tables.ts'

/** Says what is wrong with a value of a column, or undefined. */
export function faultOfValue(column: ArchiveColumn, value: unknown): string | undefined {
  if (value === null) return column.isNullable ? undefined : 'is null'
  switch (column.kind) {
    case 'flag':
      return typeof value === 'boolean' ? undefined : 'is neither true nor false'
    case 'count':
      return typeof value === 'number' && Number.isSafeInteger(value) ? undefined : 'is not a safe integer'
    case 'time':
      return typeof value === 'string' && isInstant(value)
        ? undefined
        : 'is not a time in ISO 8601 with milliseconds, in UTC, of the years 1000 to 9999'
    case 'document':
      return typeof value === 'string' ? faultOfDocument(value) : 'is not text'
    case 'id':
    case 'text':
      return typeof value === 'string' ? faultOfText(column, value) : 'is not text'
  }
}

function faultOfText({ kind, values, maxLength }: ArchiveColumn, text: string): string | undefined {
  if (!text.isWellFormed() || text.includes('\u0000')) return 'holds a character that no database takes'
  if (values !== undefined && !values.includes(text)) return `is not one of ${values.join(', ')}`
  if (kind === 'id') {
    if (text === '' || text.endsWith(' ')) return 'is empty or ends in a space'
    return isLonger(text, 64) ? 'is longer than 64 characters' : undefined
  }
  return maxLength !== undefined && isLonger(text, maxLength) ? `is longer than ${maxLength} characters` : undefined
}

/** In code points; the length in code units says it for all but what lies between. */
function isLonger(text: string, most: number): boolean {
  return text.length > most && Array.from(text).length > most
}

function faultOfDocument(text: string): string | undefined {
  if (!text.isWellFormed()) return 'holds a lone surrogate'
  try {
    JSON.parse(text)
    return undefined
  } catch {
    return 'is a document that is not JSON'
  }
}

/** A row as a line of an archive has it, or what is wrong with it. */
export type ReadRow = { readonly entry: ArchiveEntry } | { readonly faults: readonly string[] }

/** Checks a line's values against the table's columns. */
export function readRow(
  table: ArchiveTable,
  values: Readonly<Record<string, unknown>>,
  line: { readonly text: string; readonly number: number },
): ReadRow {
  const faults = table.columns.flatMap((column) => {
    if (!Object.hasOwn(values, column.name)) return [`${column.name} is missing`]
    const fault = faultOfValue(column, values[column.name])
    return fault === undefined ? [] : [`${column.name} ${fault}`]
  })
  const names = Object.keys(values)
  if (names.length > table.columns.length || faults.length > 0) {
    const known = new Set(table.columns.map(({ name }) => name))
    const unknown = names
      .filter((name) => !known.has(name))
      .map((name) => `unknown column ${JSON.stringify(name.slice(0, 64))}`)
    if (faults.length + unknown.length > 0) return { faults: [...faults, ...unknown] }
  }
  const entry = entryOf(inOrder(table, values))
  // As millrace writes it, a line can't hide a second member of the same name.
  if (writeRow(table, entry) !== `${line.text}\n`) refuseDuplicates(line.text, line.number)
  return { entry }
}

/** `values` must have been checked. */
function inOrder(table: ArchiveTable, values: Readonly<Record<string, unknown>>): ArchiveRow {
  const row: Record<string, ArchiveValue> = {}
  for (const { name } of table.columns) {
    const value = values[name]
    if (value === undefined || (typeof value === 'object' && value !== null))
      throw new TypeError('values must be checked first')
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each value's type was checked by its column's kind
    row[name] = value as ArchiveValue
  }
  return row
}
