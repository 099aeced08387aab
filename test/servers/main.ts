/**
 * The test servers' own process. It lives in a session of its own, where a terminal's Ctrl-C does not reach, and ends
 * when the channel to the test runner closes, however the runner ended: so no server and no folder outlives a run.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseAddress, type MissingServer, type ServerAddress, type TestServer } from './address.ts'
import { startMariadb } from './mariadb.ts'
import { startPostgres } from './postgres.ts'
import {
  endOfRun,
  otherServerNames,
  runVariable,
  type ServerName,
  type ServersMessage,
  type StartedServers,
} from './protocol.ts'

if (process.send === undefined) throw new Error('test/servers/main.ts is forked by test/global-setup.ts')

const [directory = '', runId = '', dataDirectory = directory, ...wanted] = process.argv.slice(2)

const unwanted = new AbortController()
const starts: readonly (readonly [name: ServerName, start: () => Promise<TestServer | MissingServer>])[] = [
  [
    'postgres',
    () =>
      startUnlessGiven('TEST_POSTGRES_URL', { port: 5432, database: 'postgres' }, () =>
        startPostgres(join(dataDirectory, 'postgres'), unwanted.signal),
      ),
  ],
  [
    'mysql',
    () =>
      startUnlessGiven('TEST_MYSQL_URL', { port: 3306, database: '' }, () =>
        startMariadb(join(dataDirectory, 'mariadb'), unwanted.signal),
      ),
  ],
  ...otherServerNames.map(
    (name) => [name, () => startMariadb(join(dataDirectory, name), unwanted.signal, name)] as const,
  ),
]
const starting = Promise.allSettled(
  starts.map(async ([name, start]) => {
    const server = wanted.includes(name) ? await start() : { missing: 'it was not asked for' }
    return [name, server] as const
  }),
)

let endedInOrder = false
process.on('message', (message) => {
  endedInOrder = message === endOfRun
})
process.once('disconnect', () => {
  if (!endedInOrder) endOrphans()
  void stop()
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (process.connected) process.disconnect()
  })
}

const results = await starting
const reasons = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))
if (reasons.length > 0) tell({ failed: reasons.join('\n') })
else {
  const servers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const started = Object.fromEntries(servers.map(([name, server]) => [name, addressOf(server)]))
  tell({ started: started as StartedServers })
}

async function startUnlessGiven(
  variable: string,
  defaults: Pick<ServerAddress, 'port' | 'database'>,
  start: () => Promise<TestServer | MissingServer>,
): Promise<TestServer | MissingServer> {
  const url = process.env[variable]
  if (url === undefined || url === '') return start()
  return { address: parseAddress(url, defaults), stop: () => Promise.resolve() }
}

function addressOf(server: TestServer | MissingServer): ServerAddress | MissingServer {
  return 'address' in server ? server.address : server
}

function tell(message: ServersMessage): void {
  if (process.connected) process.send?.(message)
}

async function stop(): Promise<void> {
  unwanted.abort()
  const begun = await starting
  await Promise.all(
    begun.map(async (result) => {
      if (result.status === 'fulfilled' && 'stop' in result.value[1]) await result.value[1].stop()
    }),
  )
  for (const folder of [directory, dataDirectory]) await removeFolder(folder)
  process.exit()
}

/** Ends what a killed runner's tests left running (workerd, say), known by the run's id in their environment. */
function endOrphans(): void {
  if (process.platform !== 'linux') return
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    if (environmentOf(name).includes(`${runVariable}=${runId}`)) endProcess(Number(name))
  }
}

function environmentOf(processId: string): readonly string[] {
  try {
    return readFileSync(`/proc/${processId}/environ`, 'utf8').split('\0')
  } catch {
    // Gone in the meantime, or another user's.
    return []
  }
}

function endProcess(processId: number): void {
  try {
    process.kill(processId, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Again where something was written into it meanwhile: Node writes what it has compiled when a process ends. */
async function removeFolder(folder: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      rmSync(folder, { recursive: true, force: true })
      return
    } catch (error) {
      if (tries === 50) throw error
    }
    await delay(100)
  }
}
