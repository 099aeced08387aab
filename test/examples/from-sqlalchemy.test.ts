import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test, type TestContext } from 'vitest'
import { copied } from '../adoption/copying.ts'
import { documentOf, emptyDirectory, millrace } from '../cli/millrace.ts'
import { describeDialectsInTurn, freshDatabase, isCi, type DialectName, type TestDatabase } from '../dialects.ts'
import { findSqlAlchemy, type SqlAlchemy } from '../servers/sqlalchemy.ts'
import { startService } from '../service.ts'
import { workspaceRoot } from '../workspace.ts'

const seed = join(workspaceRoot, 'examples/from-sqlalchemy/seed.py')
const keys = { SETTINGS_KEYS: `test:${randomBytes(32).toString('base64url')}` }
const longest = 120_000

/** Who reads what SQLAlchemy itself made can't have been wrong together with who wrote it. */
const nextOf: Readonly<Record<DialectName, DialectName>> = { sqlite: 'postgres', postgres: 'mysql', mysql: 'sqlite' }

describeDialectsInTurn((dialect) => {
  test('a database that SQLAlchemy made is adopted by another', { timeout: longest }, async (context) => {
    const python = findOrSkip(context)
    const source = await fresh(dialect)
    await runSeed(python, sqlAlchemyUrl(source))
    const target = await fresh(nextOf[dialect])
    const quarantine = join(emptyDirectory(), 'refused.ndjson')
    const done = await copied({ from: source.url, to: target.url, quarantine }, keys)
    expect(done.document.error).toBeUndefined()
    // SQLite alone lets the engine's troubles in.
    const [users, executions] = dialect === 'sqlite' ? [1, 2] : [0, 0]
    expect(done.document.tables).toMatchObject({
      users: { written: 3, quarantined: users },
      settings: { read: 1, written: 1 },
      workflows: { read: 2, written: 2 },
      workflow_versions: { read: 2, written: 2, added: 1 },
      workflow_shares: { read: 1, written: 1 },
      executions: { written: 40, quarantined: executions },
    })
    await expectServed(target)
  })
})

test('the three commands of the example move it', { timeout: longest }, async (context) => {
  const python = findOrSkip(context)
  const cwd = emptyDirectory()
  await runSeed(python, `sqlite:///${join(cwd, 'engine.db')}`)
  const target = await fresh('sqlite')
  const command = ['copy', '--from', 'sqlite:///./engine.db', '--to', target.url, '--json']
  const refused = await millrace(command, { cwd, env: keys })
  expect(refused.exitCode).toBe(1)
  expect(documentOf(refused)).toMatchObject({
    ok: false,
    refused: {
      parent_missing: { count: 1, ids: ['orphan'] },
      name_conflict: { count: 1, ids: ['ada.again'] },
      unknown_status: { count: 1, ids: ['crashed'] },
    },
  })
  const adopted = await millrace([...command, '--quarantine', 'refused.ndjson'], { cwd, env: keys })
  expect(adopted.exitCode, adopted.stderr).toBe(0)
  expect(readFileSync(join(cwd, 'refused.ndjson'), 'utf8').trimEnd().split('\n')).toHaveLength(3)
  await expectServed(target)
})

function findOrSkip(context: TestContext): SqlAlchemy {
  const found = findSqlAlchemy()
  if (!('missing' in found)) return found
  if (!isCi()) context.skip(found.missing)
  expect.fail(found.missing)
}

async function fresh(dialect: DialectName): Promise<TestDatabase> {
  const database = await freshDatabase(dialect)
  onTestFinished(() => database.drop())
  return database
}

async function runSeed({ command, environment }: SqlAlchemy, url: string): Promise<void> {
  const env = { PATH: process.env['PATH'], PYTHONDONTWRITEBYTECODE: '1', ...environment }
  await promisify(execFile)(command, [seed, url], { env })
}

/** The engine's drivers that wait; the URL's own are its asynchronous ones. */
function sqlAlchemyUrl({ dialect, url }: TestDatabase): string {
  switch (dialect) {
    case 'sqlite':
      return url.replace('+aiosqlite', '')
    case 'postgres':
      return url.replace('+asyncpg', '+psycopg2')
    case 'mysql':
      return `${url.replace('+aiomysql', '+pymysql')}?charset=utf8mb4`
  }
}

async function expectServed(target: TestDatabase): Promise<void> {
  const service = await startService(target, { migrate: false, vars: keys })
  try {
    const logIn = (username: string) =>
      service.fetch('/v1/auth/login', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ username, password: 'correct horse battery' }),
      })
    const answer = await logIn('ada')
    expect(answer.status).toBe(200)
    expect((await logIn('cyd')).status).toBe(403)
    const { accessToken } = (await answer.json()) as { accessToken: string }
    const headers = { Authorization: `Bearer ${accessToken}` }
    // As Python's json writes it.
    const report = await (await service.fetch('/v1/workflows/report', { headers })).text()
    expect(report).toContain(
      '"definition":{"nodes": [{"id": "collect", "type": "sql"}], "title": "Bericht f\\u00fcr Zo\\u00eb"}',
    )
    expect(JSON.parse(report)).toMatchObject({
      ownerId: 'bob',
      createdAt: expect.stringMatching(/^2024-01-01T09:30:00\./),
    })
    const number = await service.fetch('/v1/executions/run-5', { headers })
    expect(await number.json()).toMatchObject({
      state: 5,
      versionNumber: 2,
      startedAt: expect.stringMatching(/^2024-01-01T09:35:00\./),
    })
    const shown = await (await service.fetch('/v1/settings', { headers })).text()
    expect(JSON.parse(shown)).toMatchObject({
      data: { theme: 'dark', llm: { api_key: { $secret: { hint: '…lear' } } } },
    })
    expect(shown).not.toContain('sk-of-ada-in-clear')
  } finally {
    await service.stop()
  }
}
