import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { casesOn, describeOneDialect, type TestDatabase } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { documentOf, emptyDirectory, millrace } from './millrace.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

/** Arguments of `api-key new`, and how they are refused. */
const refusals = [
  [['x', '--owner', 'nobody', '--scopes', 'read'], 'not_found', 1],
  [['x', '--owner', 'grace', '--scopes', 'admin'], 'forbidden', 1],
  [['x', '--owner', 'grace', '--scopes', 'read,fly'], 'validation_failed', 2],
  [['x', '--owner', 'grace', '--scopes', ''], 'validation_failed', 2],
  [['', '--owner', 'grace', '--scopes', 'read'], 'validation_failed', 2],
  [['x', '--owner', 'grace', '--scopes', 'read', '--expires', 'tomorrow'], 'validation_failed', 2],
  [['x', '--owner', 'grace', '--scopes', 'read', '--expires', '2020-01-01T00:00:00Z'], 'validation_failed', 2],
  [['x', '--scopes', 'read'], 'usage', 2],
] as const

interface Key {
  readonly id: string
  readonly key: string
}

describeOneDialect((dialect) => {
  let service: Service
  let database: TestDatabase
  const run = (args: readonly string[], input = '') =>
    millrace([...args, '--json'], {
      cwd: tmpdir(),
      env: { DATABASE_URL: database.url, BCRYPT_COST: '4' },
      input,
    })
  const make = async (...args: readonly string[]) => documentOf(await run(['api-key', 'new', ...args])) as Key
  const asked = (key: string, path = '/v1/auth/me') =>
    service.fetch(path, { headers: { Authorization: `Bearer ${key}` } })

  beforeAll(async () => {
    service = await startService(dialect)
    database = service.database
    await run(['user', 'add', 'ada', '--email', 'ada@example.com', '--admin'], 'correct horse\n')
    await run(['user', 'add', 'grace', '--email', 'grace@example.com'], 'correct horse\n')
  })
  afterAll(() => service.stop())

  test('a new key acts as its owner within its scopes, and only its SHA-256 is stored', async () => {
    const made = await make(
      'ci',
      '--owner',
      'GRACE',
      '--scopes',
      'write, read',
      '--expires',
      '2099-01-31T00:00:00+01:00',
    )
    expect(made).toEqual({
      id: expect.any(String),
      name: 'ci',
      scopes: ['read', 'write'],
      prefix: made.key.slice(0, 11),
      expiresAt: '2099-01-30T23:00:00.000Z',
      createdAt: expect.stringMatching(/\.\d{3}Z$/),
      lastUsedAt: null,
      userId: expect.any(String),
      username: 'grace',
      key: expect.stringMatching(/^mr_/),
    })
    expect(await (await asked(made.key)).json()).toMatchObject({ username: 'grace' })
    expect((await asked(made.key, '/v1/admin/users')).status).toBe(403)
    const rows = await database.query('select key_sha256, prefix, name, scopes from api_keys')
    expect(JSON.stringify(rows)).not.toContain(made.key)
    expect(rows).toMatchObject([{ key_sha256: createHash('sha256').update(made.key).digest('hex') }])
  })

  test('in words, the key stands alone on standard output', async () => {
    const ended = await millrace(['api-key', 'new', 'shell', '--owner', 'ada', '--scopes', 'admin'], {
      cwd: emptyDirectory(),
      env: { DATABASE_URL: database.url },
    })
    expect(ended.stdout).toMatch(/^mr_\S+\n$/)
    expect(ended.stderr).not.toContain('mr_')
    expect((await asked(ended.stdout.trim(), '/v1/admin/users')).status).toBe(200)
  })

  test('keys are listed without their text, all or of one user, newest first', async () => {
    const { key: _text, ...newest } = await make('newest', '--owner', 'ada', '--scopes', 'worker')
    const all = documentOf(await run(['api-key', 'list'])) as { items: Key[] }
    expect(all.items[0]).toEqual(newest)
    expect(JSON.stringify(all)).not.toMatch(/"key"/)
    const own = documentOf(await run(['api-key', 'list', '--owner', 'grace'])) as { items: { username: string }[] }
    expect(own.items.map(({ username }) => username)).toEqual(['grace'])
    expect(all.items.length).toBeGreaterThan(own.items.length)
  })

  test('a removed key is refused from the next request on, also one of a disabled user', async () => {
    const { id, key } = await make('gone', '--owner', 'grace', '--scopes', 'read')
    expect((await asked(key)).status).toBe(200)
    await make('newer', '--owner', 'ada', '--scopes', 'read')
    await run(['user', 'disable', 'grace'])
    expect(documentOf(await run(['api-key', 'remove', id]))).toMatchObject({ id, name: 'gone', username: 'grace' })
    await run(['user', 'enable', 'grace'])
    expect((await asked(key)).status).toBe(401)
    const again = await run(['api-key', 'remove', id])
    expect(again.exitCode).toBe(1)
    expect(documentOf(again)).toMatchObject({ error: { code: 'not_found' } })
  })

  test.for(casesOn(dialect, refusals, 'refused keys'))(
    '%j is refused as %s, and no key is made',
    async ([args, code, exitCode]) => {
      const before = await database.query('select id from api_keys order by id')
      const ended = await run(['api-key', 'new', ...args])
      expect(ended.exitCode).toBe(exitCode)
      expect(documentOf(ended)).toMatchObject({ error: { code } })
      expect(await database.query('select id from api_keys order by id')).toEqual(before)
    },
  )

  test('a disabled user is given no key', async () => {
    await run(['user', 'disable', 'grace'])
    const ended = await run(['api-key', 'new', 'x', '--owner', 'grace', '--scopes', 'read'])
    expect(documentOf(ended)).toMatchObject({ error: { code: 'account_disabled' } })
    await run(['user', 'enable', 'grace'])
  })
})
