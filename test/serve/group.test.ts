import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, renameSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { expect, onTestFinished, test, vi } from 'vitest'
import { emptyDirectory, startMillrace, urlOf, type Running } from '../cli/millrace.ts'
import { describeDialectsInTurn } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

const patience = { timeout: 60_000, interval: 100 }
const secrets = newServiceSecrets()

async function serve(options: readonly string[], env: Readonly<Record<string, string>>): Promise<[Running, string]> {
  const running = startMillrace(['serve', '--processes', '2', '--port', '0', '--json', ...options], {
    cwd: emptyDirectory(),
    env: { ...secrets, BCRYPT_COST: '4', ...env },
  })
  return [running, await urlOf(running)]
}

/** Those that a process has started, and that have started none themselves: the members of its group. */
async function membersOf({ process: { pid } }: Running): Promise<readonly number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,ppid='])
  const rows = stdout.trim().split('\n')
  const all = rows.map((row) => row.trim().split(/\s+/).map(Number))
  const startedBy = (parent: number) => all.flatMap(([own = 0, above]) => (above === parent ? [own] : []))
  const leavesOf = (parent: number): readonly number[] => {
    const started = startedBy(parent)
    return started.length === 0 ? [parent] : started.flatMap(leavesOf)
  }
  return pid === undefined ? [] : leavesOf(pid)
}

const loggedEnds = (running: Running): readonly unknown[] =>
  running
    .stderr()
    .split('\n')
    .filter((line) => line.includes('"process_ended"'))
    .map((line): unknown => JSON.parse(line))

describeDialectsInTurn((dialect) => {
  test('a process that is killed is replaced, and the log says how it ended', async () => {
    const database = await migratedDatabase(dialect)
    onTestFinished(() => database.drop())
    const [running, url] = await serve([], { DATABASE_URL: database.url })
    const before = await membersOf(running)
    expect(before).toHaveLength(2)
    const [killed = 0] = before
    process.kill(killed, 'SIGKILL')
    await vi.waitFor(async () => {
      const after = await membersOf(running)
      expect(after).toHaveLength(2)
      expect(after).not.toContain(killed)
    }, patience)
    const end = { level: 'error', event: 'process_ended', code: null, signal: 'SIGKILL', time: expect.any(String) }
    expect(loggedEnds(running)).toEqual([end])
    expect((await fetch(`${url}/healthz`, { headers: { Connection: 'close' } })).status).toBe(200)
  })
})

test('a group in which no process can be started any more ends with 1, and says why', async () => {
  const directory = emptyDirectory()
  mkdirSync(join(directory, 'data'))
  const [running] = await serve(['--migrate'], { DATABASE_URL: `sqlite:///${join(directory, 'data/workflows.db')}` })
  renameSync(join(directory, 'data'), join(directory, 'moved'))
  for (const pid of await membersOf(running)) process.kill(pid, 'SIGKILL')
  expect((await running.ended).exitCode).toBe(1)
  expect(running.stderr()).toContain('The directory of the SQLite file does not exist.')
  expect(running.stderr()).toContain('None of the processes can be started any more.')
  expect(loggedEnds(running)).toContainEqual(expect.objectContaining({ code: 2, signal: null }))
})

test('when a group closes, each connection is answered or ended while a request is still under way', async () => {
  const [running, url] = await serve(['--migrate', '--grace', '600'], {})
  const { port, hostname } = new URL(url)
  const open = () => connect(Number(port), hostname)
  const underWay = open()
  await once(underWay, 'connect')
  underWay.write(
    'POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{',
  )
  const seen = { answered: 0, isRefused: false }
  const ask = () =>
    new Promise<void>((resolve) => {
      const socket = open()
      socket.on('connect', () => socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))
      socket.on('data', () => (seen.answered += 1))
      socket.on('error', (error) => (seen.isRefused ||= 'code' in error && error.code === 'ECONNREFUSED'))
      socket.on('close', () => resolve())
    })
  const asking = Array.from({ length: 20 }, async () => {
    while (!seen.isRefused) await ask()
  })
  await vi.waitFor(() => expect(seen.answered).toBeGreaterThan(100), patience)
  running.process.kill('SIGTERM')
  // One that nobody answers would keep its loop, and this test, to the end of --grace.
  await Promise.all(asking)
  expect(running.process.exitCode).toBeNull()
  underWay.destroy()
  expect((await running.ended).exitCode).toBe(143)
})
