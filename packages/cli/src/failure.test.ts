import { expect, test } from 'vitest'
import { MigrationError } from '@millrace/db/migrate/error'
import { asFailure } from './failure.ts'

test.each([
  ['dangling_references', 'rows_refused', 'docs/migrations.md'],
  ['migration_changed', 'migration_changed', 'docs/migrations.md'],
  ['schema_differs', 'database_schema_outdated', 'docs/migrations.md'],
  ['not_empty', 'not_empty', 'docs/backups.md#restoring-in-full'],
  ['unknown_migration', 'usage', undefined],
] as const)('a migration that ends with %s is told as %s, with its page', (code, told, page) => {
  const words = { what: 'what', why: 'why', fix: 'fix' }
  expect(asFailure(new MigrationError(code, words))).toMatchObject({ code: told, page, words })
})
