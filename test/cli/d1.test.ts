import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { knownMigrations } from '@millrace/db/schema/known-migrations'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { freshDatabase, type TestDatabase } from '../dialects.ts'
import { documentOf, emptyDirectory, millrace } from './millrace.ts'
import { filledDatabase, insertWorkflow, startD1World, succeed, type D1World } from './d1-world.ts'

/* What commands refuse of a D1 database. What they do on one is in d1-commands.test.ts. */

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const hugeDefinition = `{"text":"${'é'.repeat(1_000_000)}"}`

let world: D1World
/** It has a row that is larger than one of D1 can be. */
let source: TestDatabase

beforeAll(async () => {
  world = await startD1World('deployed')
  source = await filledDatabase(world)
  await insertWorkflow(source, 'huge', hugeDefinition)
})
afterAll(async () => {
  await source.drop()
  await world.stop()
})

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  millrace([...args, '--json'], { cwd: world.cwd, env: { ...world.env, ...env } })

async function expectUntouched(url: string): Promise<void> {
  expect(documentOf(await run(['migrate', 'status', '--database', url]))).toMatchObject({ applied: [] })
}

const refusal = {
  error: {
    code: 'rows_refused',
    what: expect.stringContaining('at most 2,000,000 bytes'),
    why: expect.stringMatching(
      /^workflows "huge" has 2,000,\d{3} bytes\.\nworkflow_versions "huge", 1 has 2,000,\d{3} bytes\.$/,
    ),
    fix: expect.stringContaining('another database'),
  },
}

/** Into a new database, whose URL is the last argument. */
async function expectRefused(args: readonly string[]): Promise<void> {
  const url = await world.fresh()
  const refused = await run([...args, url])
  expect(refused.exitCode).toBe(1)
  expect(documentOf(refused)).toMatchObject(refusal)
  await expectUntouched(url)
}

test('a copy with a row that D1 cannot hold is refused by its name, before anything is written', async () => {
  await expectRefused(['copy', '--from', source.url, '--to'])
})

test('so is a restore', async () => {
  const archive = join(world.cwd, 'huge.millrace')
  await succeed(world, ['backup', '--out', archive, '--database', source.url])
  await expectRefused(['restore', archive, '--database'])
})

test('so is the adoption of a database that another program made', async () => {
  const foreign = await freshDatabase('sqlite')
  onTestFinished(() => foreign.drop())
  await foreign.query('create table workflows (id varchar(36) primary key, name varchar(255), definition json)')
  await foreign.query(`insert into workflows values ('small', 'small', '{}'), ('huge', 'huge', ?)`, [hugeDefinition])
  await expectRefused(['copy', '--from', foreign.url, '--to'])
})

test('a file that D1 cannot hold is a bad file of an import', async () => {
  const url = await world.fresh()
  await succeed(world, ['migrate', '--database', url])
  const user = ['user', 'add', 'ada', '--email', 'ada@example.com', '--database', url]
  await succeed(world, user, 'correct horse\n')
  writeFileSync(join(world.cwd, 'large.json'), `{"text":"${'x'.repeat(1_900_000)}"}`)
  writeFileSync(join(world.cwd, 'small.json'), '{}')
  const files = ['import', 'small.json', 'large.json', '--owner', 'ada', '--database', url]
  const refused = await run(files)
  expect(refused.exitCode).toBe(1)
  const reason = 'It has 1,900,011 bytes, and this database takes at most 1,900,000.'
  const skipped = [{ file: 'large.json', reason }]
  expect(documentOf(refused)).toMatchObject({ ok: false, imported: [], skipped, error: { code: 'rows_refused' } })
  expect(documentOf(await succeed(world, [...files, '--skip-bad']))).toMatchObject({
    imported: [{ file: 'small.json' }],
    skipped,
  })
})

test('a wrong token and a missing account are told as such', async () => {
  const status = ['migrate', 'status', '--database', await world.fresh()]
  const refused = await run(status, { CLOUDFLARE_API_TOKEN: 'another' })
  expect(refused.exitCode).not.toBe(0)
  expect(refused.stdout).toContain('database_auth_failed')
  expect(refused.stdout + refused.stderr).not.toContain('another')
  const without = await run(status, { CLOUDFLARE_ACCOUNT_ID: '', CLOUDFLARE_API_TOKEN: '' })
  expect(without.stdout).toContain('CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN are not set')
})

test('looking at a local D1 that is not there makes none', async () => {
  const cwd = emptyDirectory()
  const missing = await millrace(['doctor', '--database', 'd1://DB', '--json'], { cwd, env: world.env })
  expect(missing.exitCode).toBe(1)
  expect(missing.stdout).toContain('The local D1 database does not exist.')
  expect(existsSync(join(cwd, '.millrace'))).toBe(false)
})

test.each([
  ['user', 'list'],
  ['export', 'flows'],
  ['backup', '--out', 'nothing.millrace'],
  ['copy', '--to', 'sqlite:///./copy.db'],
  ['keys', 'rotate'],
])('a local D1 that is not there is refused by `%s %s`, which makes none', async (...words) => {
  const cwd = emptyDirectory()
  const option = words[0] === 'copy' ? '--from' : '--database'
  const missing = await millrace([...words, option, 'd1://DB', '--json'], { cwd, env: world.env })
  expect(missing.exitCode).toBe(1)
  expect(documentOf(missing)).toMatchObject({ error: { code: 'database_missing' } })
  expect(missing.stdout + missing.stderr).toContain('millrace migrate')
  expect(existsSync(join(cwd, '.millrace'))).toBe(false)
})

test('all migrations are pending for a local D1 that is not there, which looking does not make', async () => {
  const cwd = emptyDirectory()
  const status = await millrace(['migrate', 'status', '--database', 'd1://DB', '--json'], { cwd, env: world.env })
  expect(status.exitCode).toBe(1)
  expect(documentOf(status)).toMatchObject({
    ok: false,
    applied: [],
    pending: [...knownMigrations],
  })
  expect(existsSync(join(cwd, '.millrace'))).toBe(false)
})
