import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { describeDialects, freshDatabase } from '../dialects.ts'
import { documentOf, emptyDirectory, millrace, start, startMillrace, urlOf, workspace } from './millrace.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

const token = 'a-long-random-token-of-32-or-more-characters'
const authorized = { headers: { 'X-Millrace-Gateway-Token': token } }
const patience = { timeout: 20_000, interval: 50 }

function answers(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`).then(
    () => true,
    () => false,
  )
}

describeDialects((dialect) => {
  test('the gateway serves its database until SIGTERM', async () => {
    const cwd = emptyDirectory()
    const database = await freshDatabase(dialect)
    const running = startMillrace(['gateway', '--port', '0', '--json'], {
      cwd,
      env: { DATABASE_URL: database.url, DATABASE_GATEWAY_TOKEN: token },
    })
    const url = await urlOf(running)
    expect(await (await fetch(`${url}/status`, authorized)).json()).toMatchObject({ dialect, checkedOut: 0 })
    running.process.kill('SIGTERM')
    expect(await running.ended).toMatchObject({ exitCode: 143, stdout: `${JSON.stringify({ url })}\n` })
    expect(await answers(url)).toBe(false)
    await database.drop()
  })
})

test('the gateway ends when the process that started it is killed', async () => {
  const cwd = emptyDirectory()
  const bin = join(workspace, 'node_modules/.bin/millrace')
  // The command behind it keeps the shell from becoming the command itself.
  const shell = start('sh', ['-c', `'${bin}' gateway --port 0 --json; true`], {
    cwd,
    env: { DATABASE_GATEWAY_TOKEN: token },
  })
  const url = await urlOf(shell)
  expect(await answers(url)).toBe(true)
  shell.process.kill('SIGKILL')
  await vi.waitFor(async () => {
    expect(await answers(url)).toBe(false)
  }, patience)
})

test('beyond loopback the gateway demands a token, and then refuses whoever lacks it', async () => {
  const cwd = emptyDirectory()
  const args = ['gateway', '--host', '0.0.0.0', '--port', '0', '--json']
  const refused = await millrace(args, { cwd })
  expect(refused.exitCode).toBe(2)
  expect(documentOf(refused)).toMatchObject({ error: { code: 'settings_invalid' } })
  expect(readdirSync(cwd)).toEqual([])
  writeFileSync(join(cwd, 'short'), 'only-31-characters-of-a-token-x\n')
  const short = await millrace([...args, '--token-file', 'short'], { cwd })
  expect(short.exitCode).toBe(2)
  expect(documentOf(short)).toMatchObject({ error: { code: 'settings_invalid', fix: expect.stringContaining('32') } })
  writeFileSync(join(cwd, 'token'), `${token}\n`)
  const running = startMillrace([...args, '--token-file', 'token'], { cwd })
  const url = await urlOf(running)
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect((await fetch(`${url}/status`)).status).toBeGreaterThanOrEqual(401)
  expect((await fetch(`${url}/status`, authorized)).status).toBe(200)
})

test('for a SQLite file the gateway demands a token on loopback too, and serves nobody without it', async () => {
  const cwd = emptyDirectory()
  const args = ['gateway', '--port', '0', '--json', '--database', 'sqlite:///./workflows.db']
  const refused = await millrace(args, { cwd })
  expect(refused.exitCode).toBe(2)
  expect(documentOf(refused)).toMatchObject({
    error: { code: 'settings_invalid', fix: expect.stringContaining('--token-file') },
  })
  expect(readdirSync(cwd)).toEqual([])
  writeFileSync(join(cwd, 'token'), `${token}\n`)
  const url = await urlOf(startMillrace([...args, '--token-file', 'token'], { cwd }))
  expect((await fetch(`${url}/status`)).status).toBe(401)
  expect((await fetch(`${url}/status`, authorized)).status).toBe(200)
})

test.for([
  [['--token-file', 'absent'], 'file_missing'],
  [['--database', 'libsql://example.turso.io'], 'url_invalid'],
  [['--database', 'postgresql://ada:word@127.0.0.1/db', '--host', '203.0.113.1'], 'settings_invalid'],
  [['--database', 'postgresql://ada:word@${DB_HOST}/db'], 'settings_invalid'],
] as const)('gateway %j is refused as %s', async ([args, code]) => {
  const ended = await millrace(['gateway', '--json', ...args], { cwd: emptyDirectory() })
  expect(ended.exitCode).toBe(2)
  expect(documentOf(ended)).toMatchObject({ error: { code } })
})
