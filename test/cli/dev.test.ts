import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { findProcess, processesMarked } from '@millrace/cli/process-table'
import { expect, onTestFinished, test, vi } from 'vitest'
import { asRecord } from '../contract/answers.ts'
import { describeDialectsInTurn, describeServersInTurn, freshDatabase, testWhere } from '../dialects.ts'
import { drawnFrom } from '../sampling.ts'
import { documentOf, emptyDirectory, millrace, start, startMillrace, workspace, type Running } from './millrace.ts'

// Each command is a process of its own, and the machine may have other work.
vi.setConfig({ testTimeout: 240_000 })

const patience = { timeout: 40_000, interval: 50 }
/** What dev starts, and how soon, is the machine's affair: it bundles the functions and starts wrangler and workerd. */
const startPatience = { ...patience, timeout: 90_000 }
/** Ways to end without being asked to, of which a run of everything takes one: each starts all that dev starts. */
const endings = drawnFrom(['parent killed', 'killed', 'left behind', 'wrangler killed'], 1, 'endings of dev')
const walks = drawnFrom(['a large body', 'the printed command'], 1, 'dev')

const bin = join(workspace, 'node_modules/.bin/millrace')

interface Ready {
  readonly url: string
  readonly gatewayUrl: string | null
  readonly docsUrl: string | null
  readonly database: string
}

/** A run of dev that is ready, and the random mark that its processes carry. */
interface Dev {
  readonly running: Running
  readonly ready: Ready
  readonly mark: string
  readonly devPid: number
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => {
    server.close(resolve)
  })
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

async function untilReady(running: Running, cwd: string): Promise<Dev> {
  await vi.waitFor(() => {
    if (running.process.exitCode !== null) throw new Error(`dev ended: ${running.stdout()}${running.stderr()}`)
    if (!running.stdout().includes('\n')) throw new Error(`dev is not ready: ${running.stderr()}`)
  }, startPatience)
  const [record = ''] = readdirSync(join(cwd, '.millrace')).filter((name) => /^dev-\d+\.json$/.test(name))
  const { mark, pid } = JSON.parse(readFileSync(join(cwd, '.millrace', record), 'utf8')) as {
    mark: string
    pid: number
  }
  return { running, ready: documentOf({ stdout: running.stdout() }) as Ready, mark, devPid: pid }
}

function startDev(cwd: string, env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Promise<Dev> {
  return untilReady(startMillrace(['dev', '--port', '0', '--json', ...args], { cwd, env }), cwd)
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  )
}

/** No process, no port, and nothing in the state directory that could be taken for a run. */
async function expectNothingLeft({ ready, mark }: Dev, cwd: string): Promise<void> {
  await vi.waitFor(() => {
    expect(processesMarked('MILLRACE_DEV_RUN', mark)).toEqual([])
  }, patience)
  expect(await answers(ready.url)).toBe(false)
  if (ready.gatewayUrl !== null) expect(await answers(ready.gatewayUrl)).toBe(false)
  expect(readdirSync(join(cwd, '.millrace')).filter((name) => name.endsWith('.env'))).toEqual(['secrets.env'])
}

function isRuntime(pid: number): boolean {
  return findProcess(pid)?.command.includes('/workerd') === true
}

function isWrangler(pid: number): boolean {
  return findProcess(pid)?.command.includes('wrangler-dist/cli.js') === true
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

testWhere(
  walks.includes('a large body'),
  'a body far over the limit gets its refusal through the proxy of wrangler',
  async () => {
    const cwd = emptyDirectory()
    const dev = await startDev(cwd)
    const body = 'x'.repeat(10_000_000)
    for (const [path, status] of [
      ['/v1/workflows', 413],
      ['/v1/nothing', 404],
    ] as const) {
      const headers = { 'Content-Type': 'application/json' }
      const told = await fetch(`${dev.ready.url}${path}`, { method: 'POST', body, headers })
      expect([path, told.status, asRecord(await told.json())['status']]).toEqual([path, status, status])
      const streamed = { method: 'POST', body: new Blob([body]).stream(), duplex: 'half', headers } as const
      const untold = await fetch(`${dev.ready.url}${path}`, streamed)
      expect([path, untold.status, asRecord(await untold.json())['status']]).toEqual([path, status, status])
    }
    dev.running.process.kill('SIGTERM')
    await dev.running.ended
  },
)

testWhere(endings.includes('parent killed'), 'dev ends when the process that started it is killed', async () => {
  const cwd = emptyDirectory()
  // The command behind it keeps the shell from becoming the command itself.
  const shell = start('sh', ['-c', `'${bin}' dev --port 0 --json; true`], { cwd })
  const dev = await untilReady(shell, cwd)
  shell.process.kill('SIGKILL')
  expect((await shell.ended).signal).toBe('SIGKILL')
  await expectNothingLeft(dev, cwd)
})

testWhere(endings.includes('killed'), 'dev that is killed outright takes its functions along', async () => {
  const cwd = emptyDirectory()
  const dev = await startDev(cwd)
  process.kill(dev.devPid, 'SIGKILL')
  await vi.waitFor(async () => {
    expect(processesMarked('MILLRACE_DEV_RUN', dev.mark)).toEqual([])
    expect(await answers(dev.ready.url)).toBe(false)
  }, patience)
})

testWhere(endings.includes('left behind'), 'dev ends what an earlier one left behind, and takes its port', async () => {
  const cwd = emptyDirectory()
  const port = String(await freePort())
  const first = await startDev(cwd, {}, ['--port', port])
  const marked = processesMarked('MILLRACE_DEV_RUN', first.mark)
  const orphans = marked.filter(isRuntime)
  // Everything but the runtime at once, so that nobody is left who would end it.
  for (const pid of [first.devPid, ...marked.filter((each) => !isRuntime(each))]) process.kill(pid, 'SIGKILL')
  await first.running.ended
  onTestFinished(() => {
    for (const pid of processesMarked('MILLRACE_DEV_RUN', first.mark)) process.kill(pid, 'SIGKILL')
  })
  // A process that was killed is there until the kernel has taken it apart.
  await vi.waitFor(() => expect(processesMarked('MILLRACE_DEV_RUN', first.mark)).toEqual(orphans), patience)
  const second = await startDev(cwd, {}, ['--port', port])
  expect(second.ready.url).toBe(first.ready.url)
  expect(processesMarked('MILLRACE_DEV_RUN', first.mark)).toEqual([])
  expect(second.running.stderr()).toContain('left behind')
})

test('a taken port is refused before anything starts, saying how to find who has it', async () => {
  const cwd = emptyDirectory()
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? String(address.port) : ''
  for (const option of ['--port', '--gateway-port']) {
    const ended = await millrace(['dev', option, port, '--json'], { cwd })
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'port_taken', what: expect.stringContaining(port) } })
    expect(ended.stdout).toMatch(process.platform === 'linux' ? /ss -ltnp/ : /lsof/)
    expect(readdirSync(cwd)).toEqual([])
  }
  await new Promise((resolve) => {
    server.close(resolve)
  })
})

test('settings that are wrong are refused together, before anything starts', async () => {
  const cwd = emptyDirectory()
  const env = { AUTH_KEYS: 'short:abc', BCRYPT_COST: '99', REGISTRATION: 'maybe' }
  const ended = await millrace(['dev', '--port', '0', '--json'], { cwd, env })
  expect(ended.exitCode).toBe(2)
  const { error } = documentOf(ended) as { error: { code: string; why: string } }
  expect(error.code).toBe('settings_invalid')
  for (const name of Object.keys(env)) expect(error.why).toContain(name)
  expect(readdirSync(cwd)).toEqual([])
})

testWhere(
  walks.includes('the printed command'),
  'the command that dev prints works as pasted, twice, and its secrets stay',
  async () => {
    const cwd = emptyDirectory()
    const dev = startMillrace(['dev', '--port', '0'], {
      cwd,
      env: { BCRYPT_COST: '4', METRICS_TOKEN: "it's $HOME `x`" },
    })
    await vi.waitFor(() => {
      expect(dev.stdout()).toContain('Ctrl-C')
    }, patience)
    const command = dev
      .stdout()
      .split('\n')
      .find((line) => line.trim().startsWith('curl'))
    for (let paste = 1; paste <= 2; paste += 1) {
      const pasted = await start('sh', ['-c', command ?? 'false'], { cwd }).ended
      expect(JSON.parse(pasted.stdout)).toMatchObject({ name: 'Hello', permission: 'owner', versionNumber: 1 })
      // The name in it is of this second.
      const second = Math.floor(Date.now() / 1000)
      await vi.waitUntil(() => Math.floor(Date.now() / 1000) > second, patience)
    }
    const state = join(cwd, '.millrace')
    expect(modeOf(state)).toBe('700')
    const secrets = readFileSync(join(state, 'secrets.env'), 'utf8')
    for (const file of readdirSync(state).filter((name) => statSync(join(state, name)).isFile())) {
      expect(modeOf(join(state, file))).toBe('600')
    }
    dev.process.kill('SIGINT')
    await dev.ended
    expect(readFileSync(join(state, '.gitignore'), 'utf8')).toBe('*\n')
    const again = await startDev(cwd)
    expect(readFileSync(join(state, 'secrets.env'), 'utf8')).toBe(secrets)
    again.running.process.kill('SIGTERM')
    await again.running.ended
  },
)

testWhere(
  endings.includes('wrangler killed'),
  'when wrangler dies, dev ends with its reason and one document',
  async () => {
    const cwd = emptyDirectory()
    const dev = await startDev(cwd)
    for (const pid of processesMarked('MILLRACE_DEV_RUN', dev.mark).filter(isWrangler)) process.kill(pid, 'SIGKILL')
    const ended = await dev.running.ended
    expect(ended.exitCode).toBe(1)
    expect(ended.stdout.trim().split('\n')).toHaveLength(1)
    expect(ended.stderr).toMatch(/^error: wrangler dev ended/m)
    await expectNothingLeft(dev, cwd)
  },
)

/** One of them ends it on each dialect, and a run of everything has one of the three: neither has to do with the other. */
const signals = {
  sqlite: ['SIGINT', 130],
  postgres: ['SIGTERM', 143],
  mysql: ['SIGHUP', 129],
} as const

const servedFiles = [
  ['/docs', 'text/html; charset=utf-8'],
  ['/openapi.json', 'application/json'],
  ['/console', 'text/html; charset=utf-8'],
] as const

describeDialectsInTurn((dialect) => {
  const [signal, exitCode] = signals[dialect]

  test('dev serves the database that DATABASE_URL names; a signal ends it and leaves no process and no port', async () => {
    const cwd = emptyDirectory()
    const database = await freshDatabase(dialect)
    writeFileSync(join(cwd, '.env'), `DATABASE_URL='${database.url}'\n`)
    const dev = await startDev(cwd, {}, ['--state', '.millrace'])
    expect(dev.ready.database).not.toMatch(/:[^*@/]+@/)
    expect(await (await fetch(`${dev.ready.url}/readyz`)).json()).toMatchObject({ status: 'ready', dialect })
    expect(await database.query('select count(*) as n from users')).toHaveLength(1)
    // The assets are a Worker of their own here, and the schedule is run by hand.
    expect(dev.ready.docsUrl).toBe(`${dev.ready.url}/docs`)
    for (const [path, type] of servedFiles) {
      const { status, headers } = await fetch(`${dev.ready.url}${path}`)
      expect([path, status, headers.get('Content-Type')]).toEqual([path, 200, type])
    }
    expect((await fetch(`${dev.ready.url}/nothing.html`)).status).toBe(404)
    expect((await fetch(`${dev.ready.url}/cdn-cgi/local/scheduled?cron=*/5+*+*+*+*`)).status).toBe(200)
    expect(processesMarked('MILLRACE_DEV_RUN', dev.mark).length).toBeGreaterThan(2)
    dev.running.process.kill(signal)
    expect(await dev.running.ended).toMatchObject({ exitCode })
    await expectNothingLeft(dev, cwd)
    expect(readdirSync(join(cwd, '.millrace')).filter((name) => name.endsWith('.json'))).toEqual([])
    expect(existsSync(join(cwd, 'workflows.db'))).toBe(false)
    await database.drop()
  })
})

describeServersInTurn((dialect) => {
  test('dev reaches its database through a Hyperdrive binding', async () => {
    const cwd = emptyDirectory()
    const database = await freshDatabase(dialect)
    const dev = await startDev(cwd, { DATABASE_URL: 'hyperdrive://WORKFLOWS' }, ['--database', database.url])
    expect(dev.ready).toMatchObject({ gatewayUrl: null })
    expect(dev.ready.database).not.toMatch(/:[^*@/]+@/)
    expect(await (await fetch(`${dev.ready.url}/readyz`)).json()).toMatchObject({ status: 'ready', dialect })
    const registered = await fetch(`${dev.ready.url}/v1/auth/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"username":"ada","email":"ada@example.com","password":"correct horse"}',
    })
    expect(registered.status).toBe(201)
    expect(await database.query('select username from users')).toEqual([{ username: 'ada' }])
    dev.running.process.kill('SIGTERM')
    await dev.running.ended
    await expectNothingLeft(dev, cwd)
    await database.drop()
  })
})

test('dev refuses a Hyperdrive binding of which nobody says where it leads', async () => {
  const ended = await millrace(['dev', '--json'], {
    cwd: emptyDirectory(),
    env: { DATABASE_URL: 'hyperdrive://NOWHERE' },
  })
  expect(ended.exitCode).toBe(2)
  expect(ended.stdout).toContain('CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_NOWHERE')
})

test('dev refuses a URL without a password behind a Hyperdrive binding, which wrangler does not take', async () => {
  const ended = await millrace(['dev', '--json', '--database', 'postgresql://ada@127.0.0.1:1/workflows'], {
    cwd: emptyDirectory(),
    env: { DATABASE_URL: 'hyperdrive://WORKFLOWS' },
  })
  expect(ended.exitCode).toBe(2)
  expect(ended.stdout).toContain('no password')
  expect(ended.stdout).toContain('USER:any@HOST')
})

test('commands take the database itself, and say so where they are given its Hyperdrive binding', async () => {
  const env = { DATABASE_URL: 'hyperdrive://WORKFLOWS' }
  for (const command of [['migrate'], ['backup', '--out', 'b.millrace'], ['serve']]) {
    const ended = await millrace([...command, '--json'], { cwd: emptyDirectory(), env })
    expect({ command, exitCode: ended.exitCode }).toEqual({ command, exitCode: 2 })
    expect(`${ended.stdout}${ended.stderr}`).toContain("Give the database's own URL")
  }
})
