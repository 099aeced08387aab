import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { startGateway, type GatewayLogEntry } from '@millrace/gateway'
import type { Miniflare } from 'miniflare'
import { inject } from 'vitest'
import { targetOf } from './target.ts'
import { freshDatabase, type DialectName, type TestDatabase } from './dialects.ts'
import { connectionStringOf, serverOf } from './hyperdrive.ts'
import { served } from './served.ts'
import { hearAnswer } from './last-answers.ts'
import { recordAnswer } from './recording.ts'
import type { ServedInProcess } from './servers/serve.ts'
import { runWorker } from './servers/worker.ts'
import { migratedDatabase } from './templates.ts'

export interface ServiceOptions {
  /** The Worker's variables, over the defaults of `startService`. */
  readonly vars?: Readonly<Record<string, string>>
  /** Whether the database is migrated first: true unless given. */
  readonly migrate?: boolean
  /** How many workerd processes serve it: 1 unless given. */
  readonly workers?: number
  /** How many gateways stand before the database, the workers taking turns: 1 unless given. */
  readonly gateways?: number
}

/** Whether the database of this run's services is reached through a gateway, where trips can be counted. */
export const hasGateway = served === 'functions'

/** A service in front of a database, as it is deployed: the Worker in workerd unless told otherwise. */
export interface Service {
  readonly database: TestDatabase
  /** The base URL of each worker, without a slash at its end. */
  readonly urls: readonly string[]
  /** Through Hyperdrive there is none: of the database's server instead. */
  readonly gatewayUrls: readonly string[]
  /** The variables that the workers run with, keys and tokens included. */
  readonly vars: Readonly<Record<string, string>>
  /** Sends a request to the first worker, or to the one whose index is given. */
  fetch(path: string, init?: RequestInit, worker?: number): Promise<Response>
  /** All lines that the workers have logged so far. */
  logs(): readonly string[]
  /** All that the gateway has logged so far, at every level; empty where there are several. */
  gatewayLogs(): readonly string[]
  stop(): Promise<void>
}

/** Starts a service on a new database of the dialect, or on one that is there, which then stays when it stops. */
export async function startService(on: DialectName | TestDatabase, options: ServiceOptions = {}): Promise<Service> {
  const isMigrated = options.migrate ?? true
  if (served === 'd1') return startOnD1(on, { ...options, migrate: isMigrated })
  const database = typeof on === 'string' ? await (isMigrated ? migratedDatabase(on) : freshDatabase(on)) : on
  const cleanups: (() => Promise<unknown>)[] = typeof on === 'string' ? [() => database.drop()] : []
  const stop = async (): Promise<void> => {
    for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) await cleanup()
  }
  try {
    const gatewayLogged: string[] = []
    const gateways = await startGateways(database.url, options.gateways ?? 1, cleanups, gatewayLogged)
    if (isMigrated && typeof on !== 'string') await migrateThrough(gateways[0], database)
    const vars = { ...defaultVars(), DATABASE_URL: database.url, ...options.vars }
    const logged: string[] = []
    const urls =
      served === 'serve'
        ? await startServers(options.workers ?? 1, cleanups, vars, logged)
        : await startWorkers(options.workers ?? 1, cleanups, (index) => {
            if (served === 'hyperdrive') return startThroughHyperdrive(database, vars, logged)
            const gatewayUrl = gateways[index % gateways.length] ?? gateways[0]
            return startWorker({ ...vars, DATABASE_GATEWAY_URL: gatewayUrl, ...options.vars }, logged)
          })
    return {
      database,
      urls,
      gatewayUrls: served === 'hyperdrive' ? [serverOf(database).url] : gateways,
      vars,
      async fetch(path, init, worker = 0) {
        const response = await fetch(`${urls[worker]}${path}`, init)
        hearAnswer(path, init, response)
        await recordAnswer(database.dialect, { path, init }, response)
        return response
      },
      logs: () => logged,
      gatewayLogs: () => gatewayLogged,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** However many workers are asked for, one process has the database: so it is with D1, which has one for all isolates. */
export async function startOnD1(
  on: DialectName | TestDatabase,
  { vars: given, migrate: isMigrated = true }: ServiceOptions,
) {
  if (on !== 'sqlite') throw new Error('a service with D1 has a database of its own, which is SQLite')
  const worker = inject('worker')
  if ('failed' in worker) throw new Error(worker.failed)
  const logged: string[] = []
  // A row of D1 has 2 MB at most, so a larger body is refused as a setting.
  const maxBodyBytes = Math.min(Number(given?.['MAX_BODY_BYTES'] ?? 1_048_576), 1_900_000)
  const vars = { ...defaultVars(), ...given, MAX_BODY_BYTES: String(maxBodyBytes) }
  const { startD1Service } = await import('./servers/d1-service.ts')
  const { url, database, binding, stop } = await startD1Service(worker, { vars, isMigrated }, (line) =>
    logged.push(line),
  )
  const service: Service = {
    database,
    urls: [url],
    gatewayUrls: [],
    vars,
    async fetch(path, init) {
      const response = await fetch(`${url}${path}`, init)
      await recordAnswer(database.dialect, { path, init }, response)
      return response
    },
    logs: () => logged,
    gatewayLogs: () => [],
    stop,
  }
  return { ...service, binding }
}

/** Gateways start in this process when there is one, else each in its own, so that none can wait for another's turn. */
async function startGateways(
  databaseUrl: string,
  count: number,
  cleanups: (() => Promise<unknown>)[],
  logged: string[],
): Promise<readonly [string, ...string[]]> {
  if (count === 1) {
    const log = (entry: GatewayLogEntry) => logged.push(JSON.stringify(entry))
    const gateway = await startGateway({ target: targetOf(databaseUrl), log })
    cleanups.push(() => gateway.close())
    return [gateway.url]
  }
  const [first, ...others] = await Promise.all(
    Array.from({ length: count }, () => startGatewayProcess(databaseUrl, cleanups)),
  )
  if (first === undefined) throw new Error('a service needs a gateway')
  return [first, ...others]
}

async function startGatewayProcess(databaseUrl: string, cleanups: (() => Promise<unknown>)[]): Promise<string> {
  const child = fork(join(import.meta.dirname, 'servers/gateway.ts'), {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    // Not the test runner's: vitest's loader has no place in another process.
    execArgv: [],
  })
  const exited = once(child, 'exit')
  cleanups.push(async () => {
    if (child.connected) child.disconnect()
    await exited
  })
  const [answer]: readonly unknown[] = await (Promise.race([once(child, 'message'), exited]) as Promise<unknown[]>)
  if (typeof answer !== 'string') throw new Error(`a gateway ended with ${String(answer)} before it listened`)
  return answer
}

/** With what is loaded for it alone: most suites have a database that is migrated. */
async function migrateThrough(gatewayUrl: string, { dialect, url }: TestDatabase): Promise<void> {
  const { migrateDatabase } = await import('./migrated.ts')
  await migrateDatabase({ dialect, target: targetOf(url), gatewayUrl })
}

function defaultVars(): Readonly<Record<string, string>> {
  return {
    AUTH_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    SETTINGS_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    METRICS_TOKEN: randomBytes(24).toString('base64url'),
    BCRYPT_COST: '4',
    // Nobody listens there: what would be mailed is logged as lost, which no answer waits for.
    MAIL_WEBHOOK_URL: 'http://127.0.0.1:9/mail',
    MAIL_WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
  }
}

async function startServers(
  count: number,
  cleanups: (() => Promise<unknown>)[],
  vars: Readonly<Record<string, string>>,
  logged: string[],
): Promise<readonly string[]> {
  // Loaded by whoever runs it so: it is the whole app, which each file of tests would read.
  const { serveInProcess } = await import('./servers/serve.ts')
  const start = (): Promise<ServedInProcess> =>
    serveInProcess(vars, (line) => {
      logged.push(line)
    })
  const servers = await Promise.all(Array.from({ length: count }, start))
  cleanups.push(() => Promise.all(servers.map((server) => server.stop())))
  return servers.map(({ url }) => url)
}

async function startWorkers(
  count: number,
  cleanups: (() => Promise<unknown>)[],
  start: (index: number) => Miniflare,
): Promise<readonly string[]> {
  const workers = Array.from({ length: count }, (_none, index) => start(index))
  cleanups.push(() => Promise.all(workers.map((worker) => worker.dispose())))
  const urls = await Promise.all(workers.map((worker) => worker.ready))
  return urls.map((url) => url.origin)
}

function startWorker(vars: Readonly<Record<string, string>>, logged: string[]): Miniflare {
  const worker = inject('worker')
  if ('failed' in worker) throw new Error(worker.failed)
  return runWorker(worker, vars, (line) => logged.push(line))
}

/** A suite that puts something before the gateway has it before the database instead. */
function startThroughHyperdrive(
  database: TestDatabase,
  { DATABASE_GATEWAY_URL, ...vars }: Readonly<Record<string, string>>,
  logged: string[],
): Miniflare {
  const worker = inject('worker')
  if ('failed' in worker) throw new Error(worker.failed)
  const port = DATABASE_GATEWAY_URL === undefined ? undefined : Number(new URL(DATABASE_GATEWAY_URL).port)
  const hyperdrives = { DATABASE: connectionStringOf(database, port) }
  return runWorker(
    { ...worker, options: { ...worker.options, hyperdrives } },
    { ...vars, DATABASE_URL: 'hyperdrive://DATABASE' },
    (line) => logged.push(line),
  )
}

/** Has the daily schedule run until there is a backup that was verified: one that was asked for may be under way. */
export async function takeDailyBackup({
  urls: [url = ''],
  database,
}: Pick<Service, 'urls' | 'database'>): Promise<void> {
  const verified = () => database.query('select name from backups where verified_at is not null')
  const latest = Date.now() + 25_000
  for (let tries = 0; (await verified()).length === 0; tries += 1) {
    if (Date.now() > latest) throw new Error('the schedule takes no backup')
    // One that is under way leaves the schedule nothing to do but to wait for it.
    if (tries > 0) await setTimeout(250)
    const answer = await fetch(`${url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent('30 3 * * *')}`)
    if ((await answer.text()) !== 'ok') throw new Error('the schedule failed')
  }
}
