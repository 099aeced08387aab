import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeOneDialect, freshDatabase, type TestDatabase } from '../dialects.ts'
import { documentOf, emptyDirectory, millrace } from './millrace.ts'

/** What commands leave in the audit trail; what they do to users and keys is in test/audit. */

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

describeOneDialect((dialect) => {
  let source: TestDatabase
  let target: TestDatabase
  const run = (cwd: string, args: readonly string[], { url }: TestDatabase, input = '') =>
    millrace([...args, '--json'], { cwd, env: { DATABASE_URL: url, BCRYPT_COST: '4' }, input })
  const events = (database: TestDatabase) =>
    database.query("select type, actor_kind, actor_id from audit where type like 'database.%' order by at, id")

  beforeAll(async () => {
    source = await freshDatabase(dialect)
    target = await freshDatabase(dialect)
    await run(tmpdir(), ['migrate'], source)
    await run(tmpdir(), ['user', 'add', 'ada', '--email', 'ada@example.com'], source, 'correct horse\n')
  })
  afterAll(async () => {
    await source.drop()
    await target.drop()
  })

  test('migrations of an empty database leave none, so that it can be restored into; a restore leaves one', async () => {
    const cwd = emptyDirectory()
    expect(await events(source)).toEqual([])
    await run(cwd, ['backup', '--out', 'a.millrace'], source)
    await run(cwd, ['migrate'], target)
    expect(await events(target)).toEqual([])
    const restored = await run(cwd, ['restore', 'a.millrace'], target)
    expect(restored).toMatchObject({ exitCode: 0 })
    expect(documentOf(restored)).toMatchObject({ ok: true })
    expect(await events(target)).toEqual([{ type: 'database.restored', actor_kind: 'command', actor_id: 'restore' }])
  })

  test('a database that has users tells of the migration that it was given', async () => {
    await source.query("delete from migrations where name like '0002%'")
    const again = await run(tmpdir(), ['migrate', 'status'], source)
    expect(again.exitCode).toBe(1)
    await run(tmpdir(), ['migrate', '--record', '0002_durable_executions'], source)
    expect(await events(source)).toEqual([{ type: 'database.migrated', actor_kind: 'command', actor_id: 'migrate' }])
  })
})
