import { nameKey } from '../schema/names.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Loading } from '../sql/loading.ts'
import type { Transport } from '../sql/transport.ts'
import { bulkOf } from './bulk-dialects.ts'
import type { Statement } from '../sql/statement.ts'
import type { HeldMark } from './mark.ts'
import { rawValues } from './raw-rows.ts'
import { entryOf, type ArchiveEntry, type RowPage } from './row.ts'
import type { ArchiveColumn, ArchiveTable, ArchiveTableName } from './tables.ts'

/** Columns that follow from others, and are not in the archive: each from the column that it is the key of. */
const derivedColumns: Partial<Record<ArchiveTableName, Readonly<Record<string, string>>>> = {
  users: { username_key: 'username', email_key: 'email' },
  workflows: { name_key: 'name' },
}

/** Inserts a page's rows, with what follows from them; all or none. */
export type InsertPage = (page: RowPage) => Promise<unknown>

/** By one statement a page. */
export function insertingBy(transport: Transport): InsertPage {
  return (page) => transport.run(insertStatement(transport.dialect, page))
}

/**
 * By the driver's own way to load many rows, while the mark is this process's: where foreign keys are not checked, nothing
 * else would refuse rows of a run that was taken over or abandoned meanwhile.
 * @throws RestoreError `taken_over`
 */
export function insertingInto(loading: Loading, dialect: Dialect, mark: HeldMark): InsertPage {
  const bulk = bulkOf(dialect)
  return async (page) => {
    const { columns, entries } = withDerived(page)
    const names = columns.map(({ name }) => name)
    const rows = rawValues(bulk, { ...page.table, columns }, entries)
    if (await loading.insert(mark.held(), { table: page.table.name, columns: names, rows })) return
    await mark.check()
  }
}

export function insertStatement(dialect: Dialect, page: RowPage): Statement {
  const { columns, entries } = withDerived(page)
  return bulkOf(dialect).insertRows(page.table.name, columns, entries)
}

function withDerived({ table, entries }: RowPage): Pick<ArchiveTable, 'columns'> & Pick<RowPage, 'entries'> {
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
