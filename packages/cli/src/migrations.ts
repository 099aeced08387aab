import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DialectName } from '@millrace/db/sql/dialect'
import { knownMigrations } from '@millrace/db/schema/known-migrations'
import type { MigrationProgress } from '@millrace/db/migrate/migrate'
import type { Migration } from '@millrace/db/sql/migration'
import type { Database } from '@millrace/db/store/database'
import type { Context } from './context.ts'

/** The migrations that this code has for a dialect, oldest first. */
export function readMigrations(workspace: string, dialect: DialectName): readonly Migration[] {
  const directory = join(workspace, 'packages/db/src/migrations', dialect)
  return knownMigrations.map((name) => ({ name, sql: readFileSync(join(directory, `${name}.sql`), 'utf8') }))
}

/** Applies the migrations that the database lacks. @returns their names */
export async function applyMigrations(
  context: Context,
  database: Database,
  acceptChanged: readonly string[] = [],
): Promise<readonly string[]> {
  const { migrate } = await import('@millrace/db/migrate/migrate')
  const { applied } = await migrate(database, readMigrations(context.directories.workspace, database.dialect.name), {
    acceptChanged,
    signal: context.lifetime.interruption,
    onProgress: (progress) => noteProgress(context, progress),
  })
  return applied
}

/** For people to see that something goes on; the names come again in the result. */
export function noteProgress({ output }: Context, progress: MigrationProgress): void {
  switch (progress.step) {
    case 'waiting_for_lock':
      output.note('Another migration is running on this database: waiting for it to end.')
      break
    case 'left_out':
      output.note(`${progress.name}: this server takes no foreign keys, left out: ${progress.statement}`)
      break
    case 'applying':
      if (progress.of > 0 && (progress.statement === 1 || progress.statement === progress.of)) {
        output.note(`${progress.name}: statement ${progress.statement} of ${progress.of}`)
      }
      break
  }
}
