import { nameKey } from '../schema/names.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { CopiedRange, Loading } from '../sql/loading.ts'
import type { Transport } from '../sql/transport.ts'
import { toolsOf } from '../dialects/tools.ts'
import type { Statement } from '../sql/statement.ts'
import type { HeldMark } from './mark.ts'
import { keyValues, rangeOf, type EncodedTables } from './encoded-tables.ts'
import { rawValues } from './raw-rows.ts'
import { entryOf, forgetRows, type ArchiveEntry, type ArchiveRow, type EncodedForm, type RowPage } from './row.ts'
import type { ArchiveColumn, ArchiveTable, ArchiveTableName } from './tables.ts'

/** Columns that follow from others, and are not in the archive: each from the column that it is the key of. */
const derivedColumns: Partial<Record<ArchiveTableName, Readonly<Record<string, string>>>> = {
  users: { username_key: 'username', email_key: 'email' },
  workflows: { name_key: 'name' },
}

/** Where a page's rows are in their table: all that the source has behind `after`, up to the page's last row. */
export interface PagePlace {
  readonly after: ArchiveRow | undefined
}

/**
 * Inserts a page's rows, with what follows from them; all or none.
 * @param place undefined where rows are missing between them
 */
export type InsertPage = (page: RowPage, place?: PagePlace) => Promise<unknown>

/** By one statement per page, or as few as the database takes of it, in one transaction. */
export function insertingBy(transport: Transport): InsertPage {
  return (page) => {
    const [only, ...others] = insertStatements(transport, page)
    if (only === undefined) return Promise.resolve()
    return others.length === 0 ? transport.run(only) : transport.transact([only, ...others], [])
  }
}

/**
 * By the driver's own way to load many rows, or to copy them where they come from its own kind, while the mark is this
 * process's: where foreign keys are not checked, nothing else would refuse rows of a run that was taken over or abandoned
 * meanwhile.
 * @param encoded the tables that take rows as another database of the kind has encoded them
 * @throws RestoreError `taken_over`
 */
export function insertingInto(
  loading: Loading,
  dialect: Dialect,
  mark: HeldMark,
  encoded: EncodedTables | undefined,
): InsertPage {
  const bulk = toolsOf(dialect).bulk
  return async (page, place) => {
    const form = encodedFor(page, encoded)
    if (form !== undefined && loading.insertEncoded !== undefined) {
      const { table, columns } = rangeOf(page.table)
      if (await loading.insertEncoded(mark.held(), { table, columns, encoded: form })) return
      return mark.check()
    }
    if (place !== undefined && loading.copy !== undefined && derivedColumns[page.table.name] === undefined) {
      const range = copiedRange(page, place)
      forgetRows(page.entries)
      const outcome = await loading.copy(mark.held(), range)
      if (outcome === 'copied') return
      if (outcome === 'not_allowed') return mark.check()
    }
    const { columns, entries } = withDerived(page)
    const names = columns.map(({ name }) => name)
    const rows = rawValues(bulk, { ...page.table, columns }, entries)
    forgetRows(page.entries)
    if (await loading.insert(mark.held(), { table: page.table.name, columns: names, rows })) return
    await mark.check()
  }
}

/** Where the page's table has no columns that follow from others, and the database takes its rows so. */
function encodedFor({ table, encoded }: RowPage, tables: EncodedTables | undefined): EncodedForm | undefined {
  return derivedColumns[table.name] === undefined && tables?.has(table.name) === true ? encoded : undefined
}

function copiedRange({ table, entries }: RowPage, { after }: PagePlace): CopiedRange {
  const last = entries.at(-1)?.row
  return {
    ...rangeOf(table),
    after: after === undefined ? undefined : keyValues(table, after),
    last: last === undefined ? [] : keyValues(table, last),
    rows: entries.length,
  }
}

function insertStatements({ dialect, limits }: Transport, page: RowPage): readonly Statement[] {
  const { columns, entries } = withDerived(page)
  const groups = fittingGroups(entries, limits.maxStatementBytes)
  return groups.map((group) => toolsOf(dialect).bulk.insertRows(page.table.name, columns, group))
}

/** Rows whose texts together have no more bytes than that; a row that has more is by itself. */
function fittingGroups(entries: readonly ArchiveEntry[], mostBytes: number): readonly (readonly ArchiveEntry[])[] {
  const characters = entries.reduce((sum, { text }) => sum + text.length + separatorBytes, separatorBytes)
  // A character has three bytes at most: most pages need not be measured.
  if (characters * 3 <= mostBytes) return entries.length === 0 ? [] : [entries]
  const groups: ArchiveEntry[][] = []
  let bytes = mostBytes
  for (const entry of entries) {
    const own = encoder.encode(entry.text).length + separatorBytes
    if (bytes + own > mostBytes) {
      groups.push([])
      bytes = separatorBytes
    }
    groups.at(-1)?.push(entry)
    bytes += own
  }
  return groups
}

/** Between two rows, and around all of them. */
const separatorBytes = 2
const encoder = new TextEncoder()

/** A page's rows with the columns that follow from others. */
export function withDerived({ table, entries }: RowPage): Pick<ArchiveTable, 'columns'> & Pick<RowPage, 'entries'> {
  const derived = derivedColumns[table.name]
  if (derived === undefined) return { columns: table.columns, entries }
  return { columns: columnsWith(table, derived), entries: entries.map((entry) => completed(entry, derived)) }
}

function columnsWith(table: ArchiveTable, derived: Readonly<Record<string, string>>): readonly ArchiveColumn[] {
  return [...table.columns, ...Object.keys(derived).map((name) => ({ name, kind: 'text', isNullable: false }) as const)]
}

function completed({ row }: ArchiveEntry, derived: Readonly<Record<string, string>>): ArchiveEntry {
  const keys = Object.entries(derived).map(([name, from]) => [name, nameKey(String(row[from]))] as const)
  return entryOf({ ...row, ...Object.fromEntries(keys) })
}
