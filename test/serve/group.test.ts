import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, renameSync } from 'node:fs'
import { Agent, request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { expect, onTestFinished, test, vi } from 'vitest'
import { emptyDirectory, startMillrace, urlOf, type Running } from '../cli/millrace.ts'
import { describeDialectsInTurn } from '../dialects.ts'
import { migratedDatabase } from '../templates.ts'
import { register } from './accounts.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 120_000 })

const patience = { timeout: 60_000, interval: 100 }
const secrets = newServiceSecrets()

async function serve(options: readonly string[], env: Readonly<Record<string, string>>): Promise<[Running, string]> {
  const running = startMillrace(['serve', '--processes', '2', '--port', '0', '--json', ...options], {
    cwd: emptyDirectory(),
    env: { ...secrets, BCRYPT_COST: '4', ...env },
    hasOwnGroup: true,
  })
  // Whatever a test has left of it.
  onTestFinished(async () => {
    if ((await groupSize(running)) > 0) process.kill(-(running.process.pid ?? 0), 'SIGKILL')
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

interface Answered {
  readonly status: number | undefined
  readonly body: string
}

/**
 * Registers a user by a request that a member has, and whose body it waits for. Its end brings the body, and asks for the
 * metrics over the same connection.
 */
async function beginRequest(url: string, name = 'grace'): Promise<() => Promise<string>> {
  const body = JSON.stringify({ username: name, email: `${name}@example.com`, password: 'correct horse battery' })
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.setEncoding('utf8')
  const head = `Host: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue`
  socket.write(`POST /v1/auth/register HTTP/1.1\r\n${head}\r\n\r\n`)
  expect(await once(socket, 'data')).toEqual(['HTTP/1.1 100 Continue\r\n\r\n'])
  return () => {
    socket.write(
      `${body}GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${secrets.METRICS_TOKEN}\r\n\r\n`,
    )
    return text(socket)
  }
}

const answeredBoth = expect.stringMatching(
  /^HTTP\/1\.1 201 Created[^]*\r\n\r\n\{.*"accessToken":".*\}HTTP\/1\.1 200 OK[^]*\nmillrace_serve_processes_answered \d\n/,
)

/** Asks over one connection that is kept: one member has all of it. */
function keptConnection(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  return async (path: string, token = secrets.METRICS_TOKEN): Promise<Answered> => {
    const sent = request(`${url}${path}`, { agent, headers: { Authorization: `Bearer ${token}` } })
    sent.end()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: answer.statusCode, body: await text(answer) }
  }
}

const metric = ({ body }: Answered, name: string) => {
  const line = body.split('\n').find((candidate) => candidate.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

const healthRequests = 'millrace_requests_total{route="/healthz",method="GET",status="200"}'

const isRefused = (url: string): Promise<boolean> =>
  fetch(`${url}/healthz`, { headers: { Connection: 'close' } }).then(
    () => false,
    (thrown: unknown) => thrown instanceof Error && JSON.stringify(thrown.cause).includes('ECONNREFUSED'),
  )

/** How many processes of its group there are; one that has ended counts no more, though nobody has asked for its end. */
async function groupSize({ process: { pid } }: Running): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pgid=,stat='])
  const rows = stdout.trim().split('\n')
  const all = rows.map((row) => row.trim().split(/\s+/))
  return all.filter(([group, state = '']) => Number(group) === pid && !state.startsWith('Z')).length
}

describeDialectsInTurn((dialect) => {
  test.each([
    ['the first process', 1],
    ['another member', 2],
  ] as const)(
    'while %s does not answer, metrics and status say so, in time and with what it told before',
    async (_what, answered) => {
      const database = await migratedDatabase(dialect)
      onTestFinished(() => database.drop())
      const [running, url] = await serve([], { DATABASE_URL: database.url })
      const token = await register(url, 'ada')
      await database.query(`update users set role = 'admin'`)
      const asked = 20
      for (let n = 0; n < asked; n += 1) await fetch(`${url}/healthz`, { headers: { Connection: 'close' } })
      const members = await membersOf(running)
      // One connection to each member: which of them has which, a stopped member shows.
      const connections = [keptConnection(url), keptConnection(url)] as const
      for (const ask of connections) expect((await ask('/healthz')).status).toBe(200)
      const [ask, askOther] = connections
      const before = await ask('/metrics')
      expect(metric(before, healthRequests)).toBe(asked + 2)
      expect(metric(before, 'millrace_serve_processes')).toBe(3)
      expect(metric(before, 'millrace_serve_processes_answered')).toBe(3)
      const silent = answered === 1 ? (running.process.pid ?? 0) : (members[0] ?? 0)
      process.kill(silent, 'SIGSTOP')
      try {
        const told = [ask, askOther].map(
          async (over) => [await over('/metrics'), await over('/v1/admin/status', token)] as const,
        )
        // The one that is stopped itself answers nobody.
        const [metrics, status] = await Promise.any(told)
        expect(metrics.status).toBe(200)
        expect(metric(metrics, healthRequests)).toBe(asked + 2)
        expect(metric(metrics, 'millrace_serve_processes')).toBe(3)
        expect(metric(metrics, 'millrace_serve_processes_answered')).toBe(answered)
        expect(status.status).toBe(200)
        expect(JSON.parse(status.body)).toMatchObject({
          pool: dialect === 'sqlite' ? null : { size: expect.any(Number) },
        })
        expect(running.stderr()).toContain(`"event":"processes_silent","processes":3,"answered":${answered}}`)
        process.kill(silent, 'SIGCONT')
        await Promise.all(told)
        expect(metric(await ask('/metrics'), 'millrace_serve_processes_answered')).toBe(3)
      } finally {
        process.kill(silent, 'SIGCONT')
      }
    },
  )

  test('when the first process is killed, the others answer what is under way, and end', async () => {
    const database = await migratedDatabase(dialect)
    onTestFinished(() => database.drop())
    const [running, url] = await serve(['--grace', '600'], { DATABASE_URL: database.url })
    const finish = await beginRequest(url)
    running.process.kill('SIGKILL')
    await vi.waitFor(async () => expect(await isRefused(url)).toBe(true), patience)
    // The one that has nothing under way may have ended.
    expect(await groupSize(running)).toBeGreaterThan(0)
    const answer = await finish()
    expect(answer).toEqual(answeredBoth)
    // Nobody can be asked any more, and a sum is told all the same.
    expect(answer).toContain('\nmillrace_serve_processes_answered 1\n')
    await running.ended
    expect(await groupSize(running)).toBe(0)
  })

  test('a Ctrl-C that reaches all processes at once ends them as a signal to the first one does', async () => {
    const database = await migratedDatabase(dialect)
    onTestFinished(() => database.drop())
    const [running, url] = await serve(['--grace', '600'], { DATABASE_URL: database.url })
    const finish = await beginRequest(url)
    process.kill(-(running.process.pid ?? 0), 'SIGINT')
    await vi.waitFor(async () => expect(await isRefused(url)).toBe(true), patience)
    expect(await finish()).toEqual(answeredBoth)
    expect((await running.ended).exitCode).toBe(130)
    expect(loggedEnds(running)).toEqual([])
    expect(await groupSize(running)).toBe(0)
  })

  test('a member that gets a signal of its own answers what it has, and is replaced', async () => {
    const database = await migratedDatabase(dialect)
    onTestFinished(() => database.drop())
    const [running, url] = await serve(['--grace', '600'], { DATABASE_URL: database.url })
    const before = await membersOf(running)
    // More than one member has.
    const finish = await Promise.all(['ada', 'bob', 'eve', 'joe'].map((name) => beginRequest(url, name)))
    const seen = { answered: 0, failures: 0, isEnding: false }
    onTestFinished(() => {
      seen.isEnding = true
    })
    const asking = Array.from({ length: 10 }, async () => {
      while (!seen.isEnding) {
        const answer = await fetch(`${url}/healthz`, { headers: { Connection: 'close' } }).catch(() => undefined)
        if (answer?.status === 200) seen.answered += 1
        else seen.failures += 1
      }
    })
    process.kill(before[0] ?? 0, 'SIGTERM')
    // Time for it to stop taking connections, while others ask.
    const { answered } = seen
    await vi.waitFor(() => expect(seen.answered).toBeGreaterThan(answered + 500), patience)
    for (const end of finish) expect(await end()).toEqual(answeredBoth)
    await vi.waitFor(async () => {
      const after = await membersOf(running)
      expect(after).toHaveLength(2)
      expect(after).not.toContain(before[0])
    }, patience)
    expect(loggedEnds(running)).toMatchObject([{ code: 143, signal: null }])
    seen.isEnding = true
    await Promise.all(asking)
    expect(seen.failures).toBe(0)
  })

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
