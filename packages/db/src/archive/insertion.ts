import { nameKey } from '../schema/names.ts'
import type { Dialect } from '../sql/dialect.ts'
import { bulkOf } from './bulk-dialects.ts'
import type { Statement } from '../sql/statement.ts'
import { entryOf, type ArchiveEntry, type RowPage } from './row.ts'
import type { ArchiveColumn, ArchiveTable, ArchiveTableName } from './tables.ts'

/** Columns that follow from others, and are not in the archive: each from the column that it is the key of. */
const derivedColumns: Partial<Record<ArchiveTableName, Readonly<Record<string, string>>>> = {
  users: { username_key: 'username', email_key: 'email' },
  workflows: { name_key: 'name' },
}

/** One statement that inserts a page's rows, with what follows from them. */
export function insertStatement(dialect: Dialect, { table, entries }: RowPage): Statement {
  const bulk = bulkOf(dialect)
  const derived = derivedColumns[table.name]
  if (derived === undefined) return bulk.insertRows(table.name, table.columns, entries)
  return bulk.insertRows(
    table.name,
    columnsWith(table, derived),
    entries.map((entry) => completed(entry, derived)),
  )
}

function columnsWith(table: ArchiveTable, derived: Readonly<Record<string, string>>): readonly ArchiveColumn[] {
  return [...table.columns, ...Object.keys(derived).map((name) => ({ name, kind: 'text', isNullable: false }) as const)]
}

function completed({ row }: ArchiveEntry, derived: Readonly<Record<string, string>>): ArchiveEntry {
  const keys = Object.entries(derived).map(([name, from]) => [name, nameKey(String(row[from]))] as const)
  return entryOf({ ...row, ...Object.fromEntries(keys) })
}
