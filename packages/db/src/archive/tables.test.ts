import { getTableColumns, type Column } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { sqlite } from '../dialects/sqlite/dialect.ts'
import { archiveTables, type ArchiveColumn } from './tables.ts'

/** What CLI.md's "The archive" leaves out. */
const leftOut = [
  'username_key',
  'email_key',
  'name_key',
  'last_op',
  'lease_owner',
  'lease_until',
  // A help for writers, not in DESIGN.md's table: what counts is the history itself.
  'last_seq',
]

const sqlTypes: Record<ArchiveColumn['kind'], string> = {
  id: 'text',
  text: 'text',
  document: 'text',
  time: 'integer',
  flag: 'integer',
  count: 'integer',
}

test("the archive's tables stand in its order", () => {
  expect(archiveTables.map(({ name }) => name)).toEqual([
    'users',
    'api_keys',
    'settings',
    'workflows',
    'workflow_versions',
    'workflow_shares',
    'schedules',
    'executions',
    'execution_history',
    'audit',
  ])
})

test.each(archiveTables)("the archive's columns are the schema's: $name", ({ property, columns }) => {
  const schema: readonly Column[] = Object.values(getTableColumns(sqlite.tables[property]))
  const expected = schema
    .filter(({ name }) => !leftOut.includes(name))
    .map((column) => ({ name: column.name, isNullable: !column.notNull, sqlType: column.getSQLType() }))
  const found = columns.map(({ name, isNullable, kind }) => ({ name, isNullable, sqlType: sqlTypes[kind] }))
  expect(found).toEqual(expected.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
})
