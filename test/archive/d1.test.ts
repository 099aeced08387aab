import { readMigrations } from '@millrace/cli/migrations'
import { abandonRestore, loadRows } from '@millrace/db/archive/load'
import { HeldMark } from '@millrace/db/archive/mark'
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
import { watchedSample } from './sample.ts'

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
  const { d1 } = await watchedD1()
  return d1
}

/** A migrated D1, its own raw side, and all statements that it is sent from then on. */
async function watchedD1() {
  const { binding, database: raw } = await startD1()
  onTestFinished(() => raw.drop())
  const client = bindingClient(binding)
  const sent: string[] = []
  const d1 = await openDatabase({
    target: targetOf(raw.url),
    d1: {
      send(statements, timeoutSeconds) {
        sent.push(...statements.map(({ sql }) => sql))
        return client.send(statements, timeoutSeconds)
      },
    },
  })
  await migrate(d1, migrations)
  sent.length = 0
  return { d1, raw, sent }
}

test('no statement of a restore into D1, nor of giving it up, is about all rows of a large table: D1 ends it after half a minute', async () => {
  const { d1, raw, sent } = await watchedD1()
  const sample = watchedSample({ users: 5, workflows: 10, executions: 2500 }, 1)
  const options = { digest: 'sample', isResumed: false, indexesLastFrom: 400 }
  const unfinished = "status in ('pending', 'running', 'paused')"
  await loadRows(d1, sample.pages, () => sample.finish(), options)

  expect(sent.filter((text) => /\bindex\b/i.test(text) && /^\s*(?:create|drop)/i.test(text))).toEqual([])
  const [{ n = 0 } = {}] = await raw.query(`select count(*) as n from executions where ${unfinished}`)
  expect(Number(n)).toBeGreaterThan(1000)
  const newest = 'coalesce((select max(seq) from execution_history where execution_id = executions.id), 0)'
  expect(await raw.query(`select id from executions where ${unfinished} and last_seq <> ${newest} limit 3`)).toEqual([])
  const raised = sent.filter((text) => /^update "?executions/.test(text))
  expect(raised).toHaveLength(Math.floor(Number(n) / 1000) + 1)

  sent.length = 0
  await HeldMark.set(d1.transport(), 'sample').then((mark) => mark?.begin())
  await abandonRestore(d1)
  expect(await raw.query('select id from executions limit 1')).toEqual([])
  expect(sent.filter((text) => /^delete from "?executions"?/.test(text))).toHaveLength(6)
})

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
