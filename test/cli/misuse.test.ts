import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { describeHalf } from '../sampling.ts'
import { documentOf, emptyDirectory, millrace, startMillrace } from './millrace.ts'

/** What people get wrong: each mistake is named for what it is, with the way out. */

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

interface Refused {
  readonly error: { readonly code: string; readonly what: string; readonly why: string; readonly fix: string }
}

async function refusalOf(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
  const ended = await millrace([...args, '--json'], { cwd, env })
  return { exitCode: ended.exitCode, ...(documentOf(ended) as Refused).error }
}

/** An encrypted backup, the identity that opens it, and one that does not. */
async function encryptedBackup(): Promise<string> {
  const cwd = emptyDirectory()
  for (const name of ['right', 'wrong']) {
    const made = await millrace(['secrets', 'new', '--identity-file', `${name}.txt`], { cwd })
    expect(made).toMatchObject({ exitCode: 0 })
    expect(made.stdout).not.toContain('AGE-SECRET-KEY')
    expect(statSync(join(cwd, `${name}.txt`)).mode & 0o777).toBe(0o600)
  }
  const recipient = /age1\w+/.exec(readFileSync(join(cwd, 'right.txt'), 'utf8'))?.[0] ?? ''
  expect(await millrace(['migrate'], { cwd })).toMatchObject({ exitCode: 0 })
  const backup = await millrace(['backup', '--out', 'b.millrace', '--recipient', recipient], { cwd })
  expect(backup).toMatchObject({ exitCode: 0 })
  return cwd
}

describeHalf('a mistake', () => {
  test('a wrong identity is called that by all that open a backup, and the backup is not blamed', async () => {
    const cwd = await encryptedBackup()
    const commands = [
      ['verify', 'b.millrace'],
      ['drill', 'b.millrace'],
      ['restore', 'b.millrace', '--database', 'sqlite:///./new.db'],
    ]
    for (const args of commands) {
      const refused = await refusalOf([...args, '--identity', 'wrong.txt'], cwd)
      expect(refused, args[0]).toMatchObject({
        exitCode: 1,
        what: 'This identity does not open b.millrace.',
        fix: expect.stringContaining('The file may be whole'),
      })
      expect(JSON.stringify(refused)).not.toMatch(/another backup/i)
      expect(await millrace([...args, '--identity', 'right.txt'], { cwd }), args[0]).toMatchObject({ exitCode: 0 })
    }
    expect(await refusalOf(['secrets', 'new', '--identity-file', 'right.txt'], cwd)).toMatchObject({
      exitCode: 2,
      code: 'file_exists',
    })
  })

  test('a file that is no archive is called that', async () => {
    const cwd = emptyDirectory()
    for (const [name, content] of [
      ['notes.txt', 'dear diary\n'],
      ['flow.json', '{"nodes":[]}'],
    ] as const) {
      writeFileSync(join(cwd, name), content)
      expect(await refusalOf(['verify', name], cwd)).toMatchObject({
        exitCode: 1,
        what: `${name} is not an archive of millrace.`,
        fix: expect.stringContaining('millrace backup'),
      })
    }
  })

  test('a directory in place of a file is called that', async () => {
    const cwd = emptyDirectory()
    mkdirSync(join(cwd, 'folder'))
    expect(await millrace(['migrate'], { cwd })).toMatchObject({ exitCode: 0 })
    const refused = await refusalOf(['backup', '--out', 'folder'], cwd)
    expect(refused.exitCode).toBe(2)
    expect(refused.what).toContain('is a directory')
  })

  test('a misspelt name in .env, and a line that is none, are warnings with the nearest name and no value', async () => {
    const cwd = emptyDirectory()
    writeFileSync(join(cwd, '.env'), 'DATABSE_URL=postgresql://ada:hunter2@db/x\nnot a setting\n')
    const { exitCode, stdout, stderr } = await millrace(['migrate', '--dry-run'], { cwd })
    expect(exitCode).toBe(0)
    expect(stderr).toContain(
      'warning: .env line 1: DATABSE_URL is not a setting of millrace. Did you mean DATABASE_URL?',
    )
    expect(stderr).toContain('warning: .env line 2 is not NAME=value: it is ignored.')
    expect(stdout + stderr).not.toContain('hunter2')
  })

  test('a reference that nobody replaced is called that, before any work', async () => {
    const cwd = emptyDirectory()
    const url = 'postgresql://ada:hunter2@${DB_HOST}/x'
    for (const [args, env] of [
      [['migrate'], { DATABASE_URL: url }],
      [['migrate', '--database', url], {}],
    ] as const) {
      const refused = await refusalOf(args, cwd, env)
      expect(refused.exitCode).toBe(2)
      expect(refused.what).toContain('${DB_HOST}')
      expect(JSON.stringify(refused)).not.toContain('hunter2')
    }
  })

  test('a URL without a password says so, once', async () => {
    const cwd = emptyDirectory()
    const url = 'postgresql://ada@127.0.0.1:1/x?connect_timeout=1'
    const { stderr } = await millrace(['user', 'list', '--database', url], { cwd })
    expect(stderr.match(/The database URL has no password/g)).toHaveLength(1)
  })

  test('options of a URL that have no effect are named once', async () => {
    const cwd = emptyDirectory()
    const at = (database: string) =>
      `postgresql://ada:secret@127.0.0.1:1/${database}?connect_timeout=1&application_name=x`
    for (const command of ['status', 'doctor']) {
      const { stderr } = await millrace([command, '--database', at('one')], { cwd })
      expect(stderr.match(/Without effect .*application_name/g), command).toHaveLength(1)
    }
    const { stderr } = await millrace(['copy', '--from', at('one'), '--to', at('two')], { cwd })
    const told = stderr.match(/Without effect .*application_name/g)
    expect(told).toEqual(['--from', '--to'].map((name) => `Without effect for PostgreSQL in ${name}: application_name`))
  })

  test.for([
    [['copy', '--from', 'nonsense', '--to', 'sqlite:///./new.db'], '--from is not a URL'],
    [['copy', '--from', 'sqlite:///./old.db', '--to', 'nonsense'], '--to is not a URL'],
    [['copy', '--from', 'sqlite:///./old.db?pool=1', '--to', 'sqlite:///./new.db'], '--from has an option'],
    [['migrate', '--database', 'nonsense'], '--database is not a URL'],
    [['status', '--database', 'nonsense'], '--database is not a URL'],
    [['serve', '--database', 'nonsense'], '--database is not a URL'],
  ] as const)('%j names the option of the wrong URL, and not DATABASE_URL', async ([args, what]) => {
    const cwd = emptyDirectory()
    const refused = await refusalOf(args, cwd, { DATABASE_URL: 'sqlite:///./workflows.db' })
    expect(refused).toMatchObject({ exitCode: 2, code: 'url_invalid', what: expect.stringContaining(what) })
    expect(JSON.stringify(refused)).not.toContain('DATABASE_URL')
    expect(readdirSync(cwd)).toEqual([])
  })

  test.for([
    ['sqlite:///./absent.db', 'sqlite:///./absent.db is a SQLite file that is not there.'],
    ['d1://DB', 'd1://DB is a local D1 database that nobody has made.'],
  ] as const)(
    'the source %s of a copy, which does not exist, is a wrong argument, and nothing is created',
    async ([from, why]) => {
      const cwd = emptyDirectory()
      const refused = await refusalOf(['copy', '--from', from, '--to', 'sqlite:///./new.db'], cwd)
      expect(refused).toMatchObject({
        exitCode: 2,
        code: 'file_missing',
        what: 'The database of --from does not exist.',
        why,
        fix: expect.stringContaining('Correct --from.'),
      })
      expect(JSON.stringify(refused)).not.toMatch(/DATABASE_URL|millrace migrate/)
      expect(readdirSync(cwd)).toEqual([])
    },
  )

  test('a copy names the one of its two databases that cannot be reached', async () => {
    const cwd = emptyDirectory()
    const unreachable = 'mysql://ada:secret@127.0.0.1:1/x?connect_timeout=1'
    expect(await millrace(['migrate'], { cwd })).toMatchObject({ exitCode: 0 })
    for (const [from, to, name] of [
      [unreachable, 'sqlite:///./new.db', '--from'],
      ['sqlite:///./workflows.db', unreachable, '--to'],
    ] as const) {
      const refused = await refusalOf(['copy', '--from', from, '--to', to], cwd)
      expect(refused).toMatchObject({
        exitCode: 1,
        why: expect.stringContaining(`${name}: `),
        fix: expect.stringContaining(`host and port in ${name}`),
      })
    }
  })

  test('an address of another machine is called that', async () => {
    for (const command of ['dev', 'gateway']) {
      const cwd = emptyDirectory()
      expect(await millrace(['migrate'], { cwd })).toMatchObject({ exitCode: 0 })
      writeFileSync(join(cwd, 'token'), 'a-gateway-token-of-more-than-32-characters')
      const token = command === 'gateway' ? ['--token-file', 'token'] : []
      expect(await refusalOf([command, '--host', '192.0.2.1', '--port', '0', ...token], cwd), command).toMatchObject({
        exitCode: 2,
        what: '192.0.2.1 is not an address of this machine.',
        fix: expect.stringContaining('--host 127.0.0.1'),
      })
    }
  })

  test('dev without --port takes the next free port beside another one, and says so', async () => {
    const cwd = emptyDirectory()
    // Whoever has the usual port already does as well.
    const other = createServer()
    await new Promise<void>((resolve) => other.once('error', () => resolve()).listen(8787, '127.0.0.1', resolve))
    onTestFinished(async () => {
      await new Promise((resolve) => other.close(resolve))
    })
    const dev = startMillrace(['dev', '--json'], { cwd })
    await vi.waitFor(() => expect(dev.stdout()).toContain('\n'), { timeout: 90_000, interval: 100 })
    const { url } = documentOf({ stdout: dev.stdout() }) as { url: string }
    expect(Number(new URL(url).port)).toBeGreaterThan(8787)
    expect(dev.stderr()).toMatch(/Port 8787 is taken: using 87\d\d\./)
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'ready' })
    dev.process.kill('SIGTERM')
    expect(await dev.ended).toMatchObject({ exitCode: 143 })
  })

  test('serve says that it does not serve D1, and what does', async () => {
    const refused = await refusalOf(['serve', '--database', 'd1://DB'], emptyDirectory())
    expect(refused).toMatchObject({
      exitCode: 2,
      code: 'settings_invalid',
      what: '`millrace serve` does not serve a D1 database.',
      fix: expect.stringContaining('millrace deploy'),
    })
  })
})
