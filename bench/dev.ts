/**
 * `node bench/dev.ts [--dialect sqlite,postgres,mysql] [--act read,list,create,patch] [--rounds 4] [--seconds 3]`: `millrace dev` beside the
 * raw function (bench/floor.ts) under the same development server, `wrangler dev`, on one database in one run. Definitions
 * have 6 kB, there are eight connections, and the two take turns. Ratios count, times belong to the machine. Loopback only.
 */
import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { claimNextPort } from '@millrace/cli/dev/port-claim'
import { readMigrations } from '@millrace/cli/migrations'
import { migrate } from '@millrace/db/migrate/migrate'
import { openDatabase } from '@millrace/drivers/open'
import { targetOf } from '../test/database.ts'
import { dialects, type DialectName } from '../test/dialects.ts'
import { runVariable } from '../test/servers/protocol.ts'
import { startServers } from '../test/servers/start.ts'
import { buildOtherWorker, type BuiltWorker } from '../test/servers/worker.ts'
import { workspaceRoot } from '../test/workspace.ts'
import { createWorld, type World } from './acts.ts'
import { createDatabase } from './databases.ts'
import { acts, type Act } from './floor-contract.ts'
import { floorVars } from './floor-vars.ts'
import { openClient, type Client } from './load.ts'
import { medianOf } from './statistics.ts'
import { startGatewayProcess } from './subjects.ts'
import { table } from './table.ts'
import { ratiosOf, takeTurns, type Contender } from './turns.ts'

const lanes = 8
const bytes = 6_000
const firstPort = 18_787
const readyMilliseconds = 120_000

const { values } = parseArgs({
  options: {
    dialect: { type: 'string', default: dialects.join(',') },
    act: { type: 'string', default: acts.join(',') },
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '3' },
  },
})
const wanted = dialects.filter((dialect) => values.dialect.split(',').includes(dialect))
const measuredActs = acts.filter((act) => values.act.split(',').includes(act))
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-dev-'))
// PostgreSQL runs as another user when this is root.
chmodSync(directory, 0o711)
const floorWorker = await buildOtherWorker(join(directory, 'floor'), join(import.meta.dirname, 'floor.ts'))
const runId = randomUUID()
const servers = await startServers(directory, runId)
process.env[runVariable] = runId
try {
  for (const dialect of wanted) await compare(dialect)
} finally {
  await servers.stop()
  rmSync(directory, { recursive: true, force: true })
}

interface Subject extends Contender {
  stop(): Promise<void>
}

async function compare(dialect: DialectName): Promise<void> {
  const database = await createDatabase(dialect, servers.started, directory)
  const secret = randomBytes(32).toString('base64url')
  const gateway = await startGatewayProcess(database)
  const stops = [() => gateway.stop()]
  try {
    const opened = await openDatabase({ target: targetOf(database.url), gatewayUrl: gateway.url })
    await migrate(opened, readMigrations(workspaceRoot, dialect))
    const product = await startDev(dialect, database.url, secret)
    stops.unshift(() => product.stop())
    const vars = await floorVars(opened, { gatewayUrl: gateway.url, secret, ...database })
    const floor = await startFloor(dialect, floorWorker, vars)
    stops.unshift(() => floor.stop())
    const raw = { ...floor, processIds: [...floor.processIds, gateway.processId] }
    const world = await createWorld(product.client, bytes, lanes)
    const rows: string[][] = []
    for (const act of measuredActs) rows.push(await measure(world, act, product, raw))
    const machine = `${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the end`
    const head = ['', 'dev/s', 'raw/s', 'dev to raw', 'each round', 'CPU ms: dev', 'CPU ms: raw']
    process.stdout.write(`\n${dialect}, ${lanes} connections, ${rounds} rounds of ${seconds} s (${machine})\n\n`)
    process.stdout.write(`${table(head, rows)}\n`)
  } finally {
    for (const stop of stops) await stop()
  }
}

/** `millrace dev` as its user starts it, with a gateway in its own process. */
async function startDev(dialect: DialectName, url: string, secret: string): Promise<Subject> {
  const home = join(directory, `dev-${dialect}`)
  mkdirSync(home)
  const program = join(workspaceRoot, 'packages/cli/bin/millrace.js')
  const { port, release } = await claimNextPort('127.0.0.1', firstPort, '--port')
  release()
  return startProcess([program, 'dev', '--json', '--port', String(port)], `http://127.0.0.1:${port}/readyz`, {
    cwd: home,
    env: {
      DATABASE_URL: url,
      AUTH_KEYS: `bench:${secret}`,
      BCRYPT_COST: '4',
      LOG_LEVEL: 'warn',
      SLOW_QUERY_MS: '60000',
    },
  })
}

/** The raw function under `wrangler dev`, with the same compatibility date and flags. */
async function startFloor(dialect: DialectName, built: BuiltWorker, vars: Record<string, string>): Promise<Subject> {
  const home = join(directory, `floor-${dialect}`)
  mkdirSync(home)
  const { compatibilityDate, compatibilityFlags } = built.options
  const configuration = join(home, 'wrangler.json')
  const main = built.modules[0]
  writeFileSync(
    configuration,
    JSON.stringify({
      name: 'floor',
      main,
      no_bundle: true,
      rules: [{ type: 'ESModule', globs: ['**/*.js'] }],
      compatibility_date: compatibilityDate,
      compatibility_flags: compatibilityFlags,
      vars,
    }),
  )
  const wrangler = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js')
  const { port, release } = await claimNextPort('127.0.0.1', firstPort, '--port')
  release()
  const given = ['dev', `--config=${configuration}`, '--ip=127.0.0.1', `--port=${port}`]
  const url = `http://127.0.0.1:${port}/`
  return startProcess([wrangler, ...given, '--show-interactive-dev-session=false'], url, {
    cwd: home,
    env: {
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      WRANGLER_HIDE_BANNER: 'true',
      CI: '1',
    },
  })
}

/** Starts a program of Node and waits until the address answers, whatever it answers. */
async function startProcess(
  given: readonly string[],
  url: string,
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<Subject> {
  const child = spawn(process.execPath, given, {
    cwd,
    env: { ...process.env, ...env },
    // Wrangler writes a line per request; a terminal would show it, and who measures does not read it.
    stdio: 'ignore',
  })
  const exited = once(child, 'exit')
  const deadline = Date.now() + readyMilliseconds
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${given.join(' ')} does not answer`)
    await delay(200)
  }
  const client = openClient(url)
  return {
    client,
    processIds: [child.pid ?? 0],
    async stop() {
      client.close()
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
    await response.arrayBuffer()
    return response.status < 500
  } catch {
    // Not listening yet.
    return false
  }
}

async function measure(world: World, act: Act, product: Contender, floor: Contender): Promise<string[]> {
  const turn = (_: Contender, client: Client, lane: number) => world.turn(act, client, lane)
  const [dev, raw] = await takeTurns([product, floor], turn, { lanes, rounds, seconds })
  if (dev === undefined || raw === undefined) throw new Error('there is nothing to compare')
  const ratios = ratiosOf(dev, raw)
  return [
    act,
    medianOf(dev.rates).toFixed(0),
    medianOf(raw.rates).toFixed(0),
    medianOf(ratios).toFixed(2),
    ratios.map((ratio) => ratio.toFixed(2)).join(' '),
    dev.milliseconds.toFixed(2),
    raw.milliseconds.toFixed(2),
  ]
}
