import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import { runningDevs } from '@millrace/cli/dev/leftovers'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { documentOf, emptyDirectory, millrace } from '../cli/millrace.ts'
import { call, joinAdministrator } from '../contract/members.ts'
import { describeDialectsByTest } from '../dialects.ts'
import { pretendDev } from '../pretended-dev.ts'
import { startService } from '../service.ts'
import { doctor, findingsOf, soundSettings } from './kit.ts'
import { makeWorld, momentOf, type World } from './world.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

test('for people it is grouped words without colour where no terminal is, and a count at the end', async () => {
  const cwd = emptyDirectory()
  expect((await millrace(['migrate'], { cwd })).exitCode).toBe(0)
  const ended = await millrace(['doctor', '--dev'], { cwd, env: soundSettings() })
  expect(ended.exitCode).toBe(0)
  expect(ended.stdout).toMatch(/^sqlite:\/\/\/\.\/workflows\.db\n\nConnection\n {2}ok {4}url/)
  expect(ended.stdout).toMatch(/WARN {2}sqlite\.production .*\n {8}fix: /)
  expect(ended.stdout).toMatch(/\n30 findings: 25 ok, 5 warnings, 0 failures\.\n$/)
  expect(ended.stdout).not.toContain('\u001b')
  const inProduction = await millrace(['doctor', '--json'], { cwd, env: soundSettings() })
  expect(inProduction.exitCode).toBe(1)
  expect(documentOf(inProduction)).toMatchObject({ ok: false })
  const levels = new Map(findingsOf(documentOf(inProduction)).map(({ id, level }) => [id, level]))
  expect(levels.get('sqlite.production')).toBe('fail')
  expect(levels.get('backup.configured')).toBe('fail')
  expect(inProduction.stdout.trim().split('\n')).toHaveLength(1)
})

test('a SQLite file that is not there stays away, and nothing is told as right that was not looked at', async () => {
  const cwd = emptyDirectory()
  const ended = await millrace(['doctor', '--json'], { cwd })
  expect(ended.exitCode).toBe(1)
  expect(readdirSync(cwd)).toEqual([])
  const right = findingsOf(documentOf(ended)).filter(({ level }) => level === 'ok')
  expect(right.map(({ id }) => id)).toEqual(['url', 'reachable', 'replica', 'secret.reuse'])
})

test("beside a running dev the secrets are dev's own, and without it they are missing", async () => {
  const cwd = emptyDirectory()
  const state = join(cwd, '.millrace')
  const dev = pretendDev(cwd, 8787)
  const authKeys = async () => {
    const ended = await millrace(['doctor', '--json'], { cwd })
    return { ...ended, level: findingsOf(documentOf(ended)).find(({ id }) => id === 'secret.auth_keys')?.level }
  }
  try {
    expect(await authKeys()).toMatchObject({ level: 'ok', stderr: expect.stringContaining('development secrets') })
  } finally {
    dev.end()
  }
  await vi.waitFor(() => {
    expect(runningDevs(state)).toEqual([])
  })
  expect(await authKeys()).toMatchObject({ level: 'fail', stderr: '' })
})

test('a file keeps its bytes and its journal, of whichever program', async () => {
  const path = join(emptyDirectory(), 'foreign.db')
  const client = createClient({ url: `file:${path}` })
  await client.execute('create table unrelated (id integer)')
  client.close()
  const digest = () => createHash('sha256').update(readFileSync(path)).digest('hex')
  const before = digest()
  const { findings, exitCode } = await doctor({ ...soundSettings(), DATABASE_URL: `sqlite:///${path}` })
  expect(exitCode).toBe(1)
  expect(findings.find(({ id }) => id === 'schema.migrations')).toMatchObject({ level: 'fail' })
  expect(digest()).toBe(before)
  expect(existsSync(`${path}-wal`)).toBe(false)
})

test('a file that is no database, and a directory in its place, are found as such', async () => {
  const directory = emptyDirectory()
  const levelOf = async (path: string) => {
    const { findings } = await doctor({ DATABASE_URL: `sqlite:///${path}` })
    return findings.find(({ id }) => id === 'database.exists')?.message
  }
  expect(await levelOf(join(import.meta.dirname, 'command.test.ts'))).toMatch(/not a SQLite database/)
  expect(await levelOf(directory)).toMatch(/is a directory/)
})

test('all settings that are wrong are told at once, and the rest is looked at', async () => {
  const { findings, output } = await doctor({
    DATABASE_URL: 'postgresql://user:hush@host:99999/d',
    DATABASE_READ_URL: 'postgresql://user:hush@host:99999/d',
    AUTH_KEYS: 'hush',
    SETTINGS_KEYS: 'k:hush',
    BACKUP_KEEP: 'hush-less',
    METRICS_TOKEN: soundSettings().METRICS_TOKEN,
  })
  const failed = findings.filter(({ level }) => level === 'fail').map(({ id }) => id)
  expect(failed).toEqual(['url', 'replica', 'backup.configured', 'secret.auth_keys', 'secret.settings_keys'])
  expect(findings.find(({ id }) => id === 'secret.metrics_token')).toMatchObject({ level: 'ok' })
  expect(output).not.toMatch(/user:hush|k:hush/)
  expect(findings.find(({ id }) => id === 'charset')).toMatchObject({ level: 'warn', message: /^Not checked/ })
})

test('what could not be read is not told as right: the replica beside a bad URL, and secrets that nobody compared', async () => {
  const levelsOf = async (settings: Readonly<Record<string, string>>) => {
    const { findings } = await doctor({ ...soundSettings(), ...settings })
    return new Map(findings.map(({ id, level }) => [id, level]))
  }
  const byUrl = await levelsOf({
    DATABASE_URL: 'postgresql://user:hush@host:99999/d',
    DATABASE_READ_URL: 'postgresql://user:hush@host/d',
  })
  expect([byUrl.get('replica'), byUrl.get('secret.reuse')]).toEqual(['warn', 'warn'])
  const file = join(emptyDirectory(), 'nowhere.db')
  const byKeys = await levelsOf({ DATABASE_URL: `sqlite:///${file}`, AUTH_KEYS: 'hush' })
  expect([byKeys.get('replica'), byKeys.get('secret.reuse')]).toEqual(['ok', 'warn'])
})

test('settings that no check tells of are refused before any work, all at once', async () => {
  const cwd = emptyDirectory()
  const ended = await millrace(['doctor', '--json'], { cwd, env: { BCRYPT_COST: '99', LOG_LEVEL: 'loud' } })
  expect(ended.exitCode).toBe(2)
  expect(documentOf(ended)).toMatchObject({
    error: { code: 'settings_invalid', why: expect.stringMatching(/BCRYPT_COST.*\n.*LOG_LEVEL/) },
  })
})

test('what only production needs is a warning for --dev', async () => {
  const path = join(emptyDirectory(), 'nowhere.db')
  const { findings } = await doctor({ DATABASE_URL: `sqlite:///${path}` }, ['--dev'])
  expect(findings.filter(({ level }) => level === 'fail').map(({ id }) => id)).toEqual(['database.exists'])
})

describeDialectsByTest((dialect) => {
  let world: World
  beforeAll(async () => {
    world = await makeWorld(dialect)
  })
  afterAll(() => world.stop())

  test('an empty database is told as empty, and stays so', async () => {
    const other = await world.another()
    if (dialect === 'sqlite') await other.query('create table unrelated (id integer)')
    const { findings, exitCode } = await doctor({ ...world.settings, DATABASE_URL: other.url })
    expect(exitCode).toBe(1)
    const levels = new Map(findings.map(({ id, level }) => [id, level]))
    expect(levels.get('schema.migrations')).toBe('fail')
    for (const id of ['schema.table', 'schema.column', 'backup.age', 'restore.unfinished', 'rows.stale'] as const) {
      expect([id, levels.get(id)]).toEqual([id, 'warn'])
    }
    const tables = {
      sqlite: "select name from sqlite_master where type = 'table'",
      postgres: 'select tablename from pg_tables where schemaname = current_schema()',
      mysql: 'select table_name from information_schema.tables where table_schema = database()',
    }
    expect(await other.query(tables[dialect])).toHaveLength(dialect === 'sqlite' ? 1 : 0)
  })

  test('without the row that every query starts from, what asks from it is not checked', async () => {
    await world.query("delete from marks where name = 'restore'")
    const { findings } = await doctor(world.settings)
    for (const id of ['backup.configured', 'backup.age', 'restore.unfinished', 'rows.stale']) {
      const message = expect.stringMatching(/^Not checked/)
      expect(findings.filter((finding) => finding.id === id)).toEqual([
        expect.objectContaining({ level: 'warn', message }),
      ])
    }
    await world.query("insert into marks (name) values ('restore')")
  })

  test('columns that millrace does not know are told, and are right', async () => {
    await world.query('alter table users add column nickname varchar(20)')
    const { findings } = await doctor(world.settings)
    expect(findings.find(({ id }) => id === 'schema.column')).toMatchObject({
      level: 'ok',
      message: expect.stringContaining('users.nickname'),
    })
    await world.query('alter table users drop column nickname')
  })

  test('a backup that is being taken is no fault', async () => {
    const at = momentOf(dialect, new Date())
    const no = dialect === 'postgres' ? 'false' : '0'
    await world.query(
      `insert into backups (name, is_encrypted, result, created_at) values ('now', ${no}, 'running', ${at})`,
    )
    const { findings } = await doctor(world.settings)
    expect(findings.filter(({ id, level }) => id.startsWith('backup.') && level !== 'ok')).toEqual([])
    await world.query("delete from backups where name = 'now'")
  })

  test("a secret of settings that no key opens, and a gateway of the functions' that is not there", async () => {
    const at = { sqlite: '1', postgres: 'now()', mysql: 'utc_timestamp()' }[dialect]
    await world.query(
      `insert into users (id, username, email, password_hash, created_at, username_key, email_key, role, tokens_valid_from, updated_at) values ('s', 's', 's', 's', ${at}, 's', 's', 'user', ${at}, ${at})`,
    )
    const data = '{"a":{"$secret":{"ref":"r","hint":"…","sealed":"old.AAAA.BBBB"}}}'
    await world.query(
      `insert into settings (id, user_id, settings_data, created_at, updated_at, revision) values ('s', 's', '${data}', ${at}, ${at}, 1)`,
    )
    const { findings } = await doctor({ ...world.settings, DATABASE_GATEWAY_URL: 'http://127.0.0.1:9' })
    expect(findings).toContainEqual(
      expect.objectContaining({ id: 'secret.settings_keys', level: 'fail', message: expect.stringContaining('old') }),
    )
    expect(findings.filter(({ id }) => id === 'reachable')).toEqual([
      expect.objectContaining({ level: 'ok' }),
      expect.objectContaining({ level: 'fail', message: expect.stringContaining('DATABASE_GATEWAY_URL') }),
    ])
  })

  test('the status of a deployed service has the same findings', async () => {
    const service = await startService(world.reached.raw, { migrate: false })
    try {
      const { accessToken } = await joinAdministrator(service)
      const answer = await call(service, 'GET', '/v1/admin/status', { token: accessToken })
      expect(answer.status).toBe(200)
      const told = findingsOf(answer.json).map(({ id, level }) => ({ id, level }))
      const { findings } = await doctor({ ...service.vars, DATABASE_URL: service.database.url })
      expect(told).toEqual(
        findings
          .filter(({ message }) => !message.startsWith("Secrets in users' settings"))
          .map(({ id, level }) => ({ id, level })),
      )
    } finally {
      await service.stop()
    }
  })
})
