import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { expect, test, vi } from 'vitest'
import { emptyDirectory, millrace, startMillrace, type Ended } from '../cli/millrace.ts'
import { startService } from '../service.ts'

/*
 * What is secret for a command (passwords, tokens, keys, users' secrets) is in no output of it, no archive in clear and
 * no process's arguments. Each is a string that stands nowhere else.
 */

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

const canary = (): string => `canary-${crypto.randomUUID()}`
const outputOf = ({ stdout, stderr }: Ended): string => `${stdout}${stderr}`

/** The arguments of every process there is, where the system shows them. */
function argumentsOfProcesses(): string {
  if (process.platform !== 'linux') return ''
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        // It ended in between.
        return ''
      }
    })
    .join('\n')
}

test.each([
  ['postgresql', ['migrate', 'status']],
  ['postgresql', ['backup', '--out', 'b']],
  ['mysql', ['user', 'list']],
  ['mysql', ['doctor']],
] as const)('%s that cannot be reached: %j says nothing of the URL’s password', async (scheme, args) => {
  const env = {
    DATABASE_URL: `${scheme}://millrace:${canary()}@127.0.0.1:9/workflows?connect_timeout=2`,
    SETTINGS_KEYS: `a:${Buffer.from(canary().slice(0, 32)).toString('base64url')}`,
    LOG_LEVEL: 'debug',
  }
  const ended = await millrace([...args, '--json'], { cwd: emptyDirectory(), env })
  expect(ended.exitCode).not.toBe(0)
  expect(ended.stdout).not.toBe('')
  expect(outputOf(ended)).not.toMatch(/canary/)
})

test('settings that are wrong are named without their values', async () => {
  const env = {
    AUTH_KEYS: canary(),
    SETTINGS_KEYS: canary(),
    BACKUP_IDENTITY: canary(),
    BACKUP_RECIPIENTS: canary(),
    DATABASE_URL: `postgresql://u:${canary()}@h/d?${canary()}=1`,
  }
  const commands = [
    ['dev', '--port', '0'],
    ['keys', 'rotate'],
  ]
  for (const args of commands) {
    const ended = await millrace(args, { cwd: emptyDirectory(), env })
    expect(ended.exitCode).not.toBe(0)
    const secrets = Object.entries(env).filter(([name]) => name !== 'DATABASE_URL')
    for (const [, secret] of secrets) expect(outputOf(ended)).not.toContain(secret)
    expect(outputOf(ended)).not.toContain(/u:(canary-[^@]*)@/.exec(env.DATABASE_URL)?.[1])
  }
})

test('a user’s password and secrets are in no output and no archive in clear, and nothing is in an encrypted one', async () => {
  const service = await startService('sqlite')
  try {
    const cwd = emptyDirectory()
    const secrets = { password: canary().slice(0, 40), given: canary(), sealed: canary() }
    const open = { name: canary(), file: canary(), value: canary() }
    const { DATABASE_URL = '', SETTINGS_KEYS = '', AUTH_KEYS = '' } = service.vars
    const env = { DATABASE_URL, SETTINGS_KEYS, AUTH_KEYS, LOG_LEVEL: 'debug', BCRYPT_COST: '4' }
    const identity = await generateX25519Identity()
    const recipient = await identityToRecipient(identity)
    writeFileSync(join(cwd, 'identity'), identity)
    writeFileSync(join(cwd, `${open.file}.json`), JSON.stringify({ name: open.name, value: open.value }))

    const add = startMillrace(['user', 'add', 'ada', '--email', 'ada@example.com'], {
      cwd,
      env,
      input: `${secrets.password}\n`,
    })
    const login = async (): Promise<string> => {
      await add.ended
      const body = JSON.stringify({ username: 'ada', password: secrets.password })
      const headers = { 'Content-Type': 'application/json' }
      const answer = await service.fetch('/v1/auth/login', { method: 'POST', headers, body })
      const { accessToken } = (await answer.json()) as { accessToken: string }
      return accessToken
    }
    const token = await login()
    const put = await service.fetch('/v1/settings', {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ data: { api_key: secrets.given, other: { $secret: secrets.sealed } } }),
    })
    expect(put.status).toBe(200)

    const ended: Ended[] = [await add.ended]
    for (const args of [
      ['import', `${open.file}.json`, '--owner', 'ada'],
      ['doctor', '--dev'],
      ['keys', 'rotate'],
      ['backup', '--out', 'clear'],
      ['backup', '--out', 'closed', '--recipient', recipient],
      ['drill', 'closed', '--identity', 'identity'],
    ]) {
      ended.push(await millrace(args, { cwd, env }))
    }
    expect(ended.map(({ exitCode }) => exitCode)).toEqual(ended.map(() => 0))
    const output = ended.map(outputOf).join('\n')
    for (const secret of Object.values(secrets)) expect(output).not.toContain(secret)
    expect(output).not.toContain(identity)
    expect(output).not.toContain(open.value)

    const clear = gunzipSync(readFileSync(join(cwd, 'clear'))).toString('utf8')
    expect(clear).toContain(open.value)
    for (const secret of Object.values(secrets)) expect(clear).not.toContain(secret)
    const closed = readFileSync(join(cwd, 'closed')).toString('latin1')
    for (const word of [...Object.values(secrets), ...Object.values(open), 'ada@example.com']) {
      expect(closed).not.toContain(word)
    }
  } finally {
    await service.stop()
  }
})

test('secrets of the environment, of files and of --database are in no process’s arguments, while gateway and dev run', async () => {
  const cwd = emptyDirectory()
  const secrets = { DATABASE_GATEWAY_TOKEN: canary(), METRICS_TOKEN: canary() }
  writeFileSync(join(cwd, 'token'), `${canary()}\n`)
  const running = [
    startMillrace(['gateway', '--port', '0', '--token-file', 'token', '--json'], { cwd, env: secrets }),
    startMillrace(['dev', '--port', '0', '--json'], { cwd: emptyDirectory(), env: secrets }),
    startMillrace(['gateway', '--port', '0', '--json', '--database', `postgresql://u:${canary()}@127.0.0.1:9/d`], {
      cwd,
    }),
  ]
  for (const each of running) {
    await vi.waitFor(
      () => {
        if (!each.stdout().includes('\n')) throw new Error(`not ready: ${each.stderr()}`)
      },
      { timeout: 60_000, interval: 50 },
    )
  }
  expect(argumentsOfProcesses()).not.toMatch(/canary-/)
  for (const each of running) expect(`${each.stdout()}${each.stderr()}`).not.toMatch(/canary-/)
})
