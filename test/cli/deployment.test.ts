import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeDialectsByTest, type TestDatabase } from '../dialects.ts'
import { startService, type Service } from '../service.ts'
import { documentOf, emptyDirectory, millrace } from './millrace.ts'

/** `status`, and the commands that work on a deployment by `--url`. */

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

const exact = '{ "n" : [1.0, 12345678901234567890], "2":1, "1":2 }'

describeDialectsByTest((dialect) => {
  let service: Service
  let database: TestDatabase
  let url: string
  let keys: { readonly ada: string; readonly admin: string }
  const locally = (args: readonly string[], input = '') =>
    millrace([...args, '--json'], {
      cwd: tmpdir(),
      env: { ...service.vars, DATABASE_URL: database.url, DATABASE_GATEWAY_URL: service.gatewayUrls[0] ?? '' },
      input,
    })
  const remotely = (cwd: string, key: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    millrace([...args, '--url', url, '--json'], { cwd, env: { MILLRACE_API_KEY: key, ...env } })

  beforeAll(async () => {
    service = await startService(dialect)
    database = service.database
    url = service.urls[0] ?? ''
    await locally(['user', 'add', 'ada', '--email', 'ada@example.com'], 'correct horse\n')
    await locally(['user', 'add', 'root', '--email', 'root@example.com', '--admin'], 'correct horse\n')
    const make = async (owner: string, scopes: string) =>
      (documentOf(await locally(['api-key', 'new', 'cli', '--owner', owner, '--scopes', scopes])) as { key: string })
        .key
    keys = { ada: await make('ada', 'write'), admin: await make('root', 'admin,read') }
  })
  afterAll(() => service.stop())

  test('import gives the workflows to the user of the key, and export brings their exact text back', async () => {
    const cwd = emptyDirectory()
    writeFileSync(join(cwd, 'flow.json'), exact)
    writeFileSync(join(cwd, 'large.json'), `{"text":"${'x'.repeat(950_000)}"}`)
    const imported = await remotely(cwd, keys.ada, ['import', 'flow.json', 'large.json', '--owner', 'ADA'])
    expect(imported).toMatchObject({ exitCode: 0, stderr: '' })
    expect(documentOf(imported)).toEqual({
      imported: [
        { file: 'flow.json', id: expect.any(String), name: 'flow' },
        { file: 'large.json', id: expect.any(String), name: 'large' },
      ],
      skipped: [],
    })
    const exported = await remotely(cwd, keys.ada, ['export', 'out'])
    expect(exported).toMatchObject({ exitCode: 0 })
    expect(readdirSync(join(cwd, 'out')).toSorted()).toEqual(['flow.json', 'large.json'])
    expect(readFileSync(join(cwd, 'out/flow.json'), 'utf8')).toBe(exact)
    const own = await remotely(cwd, keys.ada, ['export', 'own', '--owner', 'ada@example.com'])
    expect(documentOf(own)).toMatchObject({ exported: [{}, {}] })
  })

  test('what the key may not do, or the deployment does not take, is told with its code', async () => {
    const cwd = emptyDirectory()
    writeFileSync(join(cwd, 'flow.json'), '{}')
    writeFileSync(join(cwd, 'huge.json'), `{"text":"${'x'.repeat(1_100_000)}"}`)
    const codeOf = async (key: string, args: readonly string[]) => {
      const ended = await remotely(cwd, key, args)
      expect(ended.stdout + ended.stderr).not.toContain(key)
      return [ended.exitCode, (documentOf(ended) as { error: { code: string } }).error.code]
    }
    expect(await codeOf(keys.admin, ['import', 'flow.json'])).toEqual([1, 'scope_missing'])
    expect(await codeOf(keys.ada, ['import', 'flow.json', '--owner', 'root'])).toEqual([1, 'forbidden'])
    expect(await codeOf(keys.ada, ['import', 'huge.json'])).toEqual([1, 'payload_too_large'])
    expect(await codeOf(keys.ada, ['export', 'out', '--workflow', 'nothing'])).toEqual([1, 'not_found'])
    expect(await codeOf(keys.ada, ['status'])).toEqual([1, 'scope_missing'])
    expect(await codeOf('mr_unknown', ['export', 'out'])).toEqual([1, 'unauthenticated'])
    expect(readdirSync(cwd).toSorted()).toEqual(['flow.json', 'huge.json'])
  })

  test('status of the database and of the deployment say the same', async () => {
    const counts = { pending: 0, running: 0, paused: 0, completed: 0, failed: 0, cancelled: 0 }
    const local = await locally(['status'])
    // No backup was ever taken: that check fails.
    expect(local.exitCode).toBe(1)
    expect(documentOf(local)).toMatchObject({
      ok: false,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      dialect,
      schema: expect.any(Number),
      pendingMigrations: [],
      restoreInProgress: false,
      executions: counts,
      lastBackup: null,
      worst: { level: 'fail', message: expect.any(String), fix: expect.any(String) },
    })
    const { METRICS_TOKEN = '' } = service.vars
    const remote = await remotely(tmpdir(), keys.admin, ['status'], { METRICS_TOKEN })
    expect(remote.exitCode).toBe(1)
    expect(documentOf(remote)).toMatchObject({
      ok: false,
      dialect,
      pendingMigrations: [],
      executions: counts,
      lastBackup: null,
    })
  })

  test('status names the last backup and its proof, and answers under the mark of a restore', async () => {
    const cwd = emptyDirectory()
    await millrace(['backup', '--out', 'b.millrace'], { cwd, env: { DATABASE_URL: database.url } })
    await millrace(['drill', 'b.millrace', '--database', database.url], { cwd })
    expect(documentOf(await locally(['status']))).toMatchObject({
      lastBackup: {
        name: expect.stringContaining('b.millrace'),
        result: 'ok',
        verifiedAt: expect.any(String),
        drilledAt: expect.any(String),
      },
    })
    const mark = `'{"digest":"d","progress":{"table":null,"rows":0}}'`
    await database.query(`update marks set value = ${mark} where name = 'restore'`)
    const marked = await locally(['status'])
    const others = await Promise.all([
      locally(['api-key', 'list']),
      locally(['user', 'list']),
      millrace(['export', 'out', '--json'], { cwd, env: { DATABASE_URL: database.url } }),
    ])
    await database.query("update marks set value = null where name = 'restore'")
    expect(marked.exitCode).toBe(1)
    expect(documentOf(marked)).toMatchObject({ ok: false, restoreInProgress: true, executions: {}, lastBackup: {} })
    for (const other of others) {
      expect(other.exitCode).toBe(1)
      expect(documentOf(other)).toMatchObject({ error: { code: 'restore_in_progress' } })
    }
  })
})

test.for([
  ['http://millrace.example.com', 'http:'],
  ['ftp://millrace.example.com', 'ftp:'],
  ['https://ada:hunter2@millrace.example.com', '***'],
  ['https://millrace.example.com/api', 'millrace.example.com/api'],
  ['nonsense', '***'],
] as const)('--url %s is refused with a caret under what is wrong', async ([url, shown]) => {
  const ended = await millrace(['status', '--json', '--url', url], {
    cwd: emptyDirectory(),
    env: { MILLRACE_API_KEY: 'mr_key' },
  })
  expect(ended.exitCode).toBe(2)
  const { error } = documentOf(ended) as { error: { code: string; why: string } }
  expect(error.code).toBe('url_invalid')
  expect(error.why).toMatch(/\n *\^+$/)
  expect(error.why).toContain(shown)
  expect(error.why).not.toContain('hunter2')
})
