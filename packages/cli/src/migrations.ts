import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Dialect } from '@millrace/db/url'
import { knownMigrations } from '@millrace/db/schema/known-migrations'
import type { Migration } from '@millrace/db/sql/migration'

/** The migrations that this code has for a dialect, oldest first. */
export function readMigrations(workspace: string, dialect: Dialect): readonly Migration[] {
  const directory = join(workspace, 'packages/db/src/migrations', dialect)
  return knownMigrations.map((name) => ({ name, sql: readFileSync(join(directory, `${name}.sql`), 'utf8') }))
}
