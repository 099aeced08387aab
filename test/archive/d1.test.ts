import { readMigrations } from '@millrace/cli/migrations'
import { migrate } from '@millrace/db/migrate/migrate'
import type { Database } from '@millrace/db/store/database'
import { bindingClient } from '@millrace/drivers/d1/binding'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { openDatabase } from '@millrace/drivers/open'
import { expect, onTestFinished, test } from 'vitest'
import { targetOf } from '../database.ts'
import { freshDatabase, type TestDatabase } from '../dialects.ts'
import { startD1 } from '../servers/d1.ts'
import { workspaceRoot } from '../workspace.ts'
import { archiveOf, linesOf, restored } from './archives.ts'

const migrations = readMigrations(workspaceRoot, 'sqlite')

/** In JSON each quote of it is escaped. */
const definitionOf = (bytes: number) => `["${'a","'.repeat(bytes / 4)}"]`

test('documents as large as a row of D1 are restored into it, and those before them, and are backed up again', async () => {
  const source = await freshDatabase('sqlite')
  const file = await openNativeDatabase({ target: targetOf(source.url) })
  onTestFinished(async () => {
    await file.close()
    await source.drop()
  })
  await migrate(file, migrations)
  await fill(
    source,
    [
      // Together more than D1 takes in one value, each by itself less.
      400_000, 1_040_000,
      // And more by itself, once it is escaped.
      1_850_000,
    ],
  )
  const archive = await archiveOf(file)

  const d1 = await freshD1()
  await restored(d1, archive)

  expect(documentsIn(await archiveOf(d1))).toEqual(documentsIn(archive))
})

/** The lines of workflows and versions. */
function documentsIn(archive: Uint8Array): readonly string[] {
  const lines = linesOf(archive).filter((line) => line.includes('"definition"'))
  expect(lines).toHaveLength(6)
  return lines
}

async function freshD1(): Promise<Database> {
  const { binding, database } = await startD1()
  onTestFinished(() => database.drop())
  const d1 = await openDatabase({ target: targetOf(database.url), d1: bindingClient(binding) })
  await migrate(d1, migrations)
  return d1
}

async function fill(database: TestDatabase, sizes: readonly number[]): Promise<void> {
  await database.query(
    `insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at)
     values ('ada', 'Ada', 'a@x', 'h', 1700000000123, 'ada', 'a@x', 'user', 0, 1700000000123)`,
  )
  for (const [index, size] of sizes.entries()) {
    await database.query(
      `insert into workflows (id, name, version_number, definition, owner_id, is_public, created_at, updated_at, revision, name_key)
       values (?, ?, 1, ?, 'ada', 0, 1700000000000, 1700000000456, 1, ?)`,
      [`w${index}`, `W${index}`, definitionOf(size), `w${index}`],
    )
    await database.query(
      `insert into workflow_versions (id, workflow_id, version_number, definition, created_by, created_at)
       values (?, ?, 1, ?, 'ada', 1700000000000)`,
      [`v${index}`, `w${index}`, definitionOf(size)],
    )
  }
}
