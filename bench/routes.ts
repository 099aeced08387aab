/**
 * `node bench/routes.ts [--dialect sqlite,postgres,mysql] [--at-once 2,10,50] [--route TEXT,…] [--through serve] [--json]
 * [--page]`:
 * each route of the contract as `millrace serve` answers it to so many requests at once, about one thing and about things
 * of their own: how many were done, refused as the contract allows, or failed, the retries of statements behind them, and
 * latencies. `--through` takes functions, hyperdrive or d1 as well; `--page` writes the table into docs/many-requests.md.
 * Loopback only. Exit 1 where a request failed, 2 on an
 * option that it does not know.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { DialectName } from '../test/dialects.ts'
import { runVariable, serverNames } from '../test/servers/protocol.ts'
import { startServers } from '../test/servers/start.ts'
import { buildWorker, type BuiltWorker } from '../test/servers/worker.ts'
import { workspaceRoot } from '../test/workspace.ts'
import type { RouteAct } from './routes/act.ts'
import { routeActs } from './routes/acts.ts'
import { measureAct, type RouteResult } from './routes/measure.ts'
import { routeSummary, routeTable, type RouteResults } from './routes/report.ts'
import { dialectsOf, serveRoutes, ways, type ServedOptions, type Way } from './routes/served.ts'

interface WantedRun {
  readonly way: Way
  readonly dialects: readonly DialectName[]
  readonly acts: readonly RouteAct[]
  readonly numbers: readonly number[]
  readonly output: Output
}

type Output = 'table' | 'json' | 'page'

class UsageError extends Error {}

/** What stands behind this line of the page is replaced. */
const measuredMark = '<!-- `node bench/routes.ts --page` writes what follows. -->\n'

try {
  await run(readArguments())
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = isUsage(error) ? 2 : 1
}

function readArguments(): WantedRun {
  const { values } = parseArgs({
    options: {
      dialect: { type: 'string' },
      'at-once': { type: 'string', default: '2,10,50' },
      route: { type: 'string', default: '' },
      through: { type: 'string', default: 'serve' },
      json: { type: 'boolean', default: false },
      page: { type: 'boolean', default: false },
    },
  })
  const way = ways.find((one) => one === values.through)
  if (way === undefined) throw new UsageError(`--through takes ${ways.join(', ')}`)
  const names = values.dialect?.split(',') ?? dialectsOf[way]
  const wanted = dialectsOf[way].filter((dialect) => names.includes(dialect))
  if (wanted.length !== names.length) throw new UsageError(`--dialect takes ${dialectsOf[way].join(', ')} here`)
  const numbers = values['at-once'].split(',').map(Number)
  if (!numbers.every((number) => Number.isInteger(number) && number > 0 && number <= 64)) {
    throw new UsageError('--at-once takes whole numbers from 1 to 64, with commas between')
  }
  const texts = values.route.split(',')
  const acts = routeActs.filter(({ route, on }) => texts.some((text) => `${route} ${on}`.includes(text)))
  if (acts.length === 0) throw new UsageError('--route takes parts of routes, such as `POST /v1/workflows` or `claim`')
  return { way, dialects: wanted, acts, numbers, output: values.page ? 'page' : values.json ? 'json' : 'table' }
}

function isUsage(error: unknown): boolean {
  return error instanceof UsageError || (error instanceof TypeError && 'code' in error)
}

async function run({ way, dialects: wanted, acts, numbers, output }: WantedRun): Promise<void> {
  const startedAt = performance.now()
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  // PostgreSQL runs as another user when this is root.
  chmodSync(directory, 0o711)
  const runId = randomUUID()
  const worker = way === 'serve' ? undefined : await build(join(directory, 'worker'))
  const needed = way === 'd1' ? [] : serverNames.filter((name) => wanted.includes(name))
  const servers = await startServers(directory, runId, directory, needed)
  // Inherited by what is started from here on, so that the servers' process can end it where this one is killed.
  process.env[runVariable] = runId
  const results: Partial<Record<DialectName, readonly RouteResult[]>> = {}
  try {
    for (const dialect of wanted) {
      const options = { servers: servers.started, directory, worker }
      results[dialect] = await measureDialect({ way, dialect, acts, numbers }, options)
    }
  } finally {
    await servers.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  report(results, { way, output, seconds: (performance.now() - startedAt) / 1000 })
}

async function build(directory: string): Promise<BuiltWorker> {
  const built = await buildWorker(directory)
  if ('failed' in built) throw new Error(built.failed)
  return built
}

interface Measured {
  readonly way: Way
  readonly dialect: DialectName
  readonly acts: readonly RouteAct[]
  readonly numbers: readonly number[]
}

async function measureDialect({ way, dialect, acts, numbers }: Measured, options: ServedOptions) {
  const served = await serveRoutes(way, dialect, options)
  const results: RouteResult[] = []
  try {
    for (const act of acts) {
      const name = `${dialect} ${act.route} (${act.on})`
      const startedAt = performance.now()
      const complain = (complaint: string) => process.stderr.write(`${name}: ${complaint}\n`)
      try {
        results.push(...(await measureAct(served.world, act, { numbers, complain })))
      } catch (error) {
        // What the act needs was not made; the others are measured all the same.
        complain(String(error))
        process.exitCode = 1
      }
      process.stderr.write(`${name} ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`)
    }
  } finally {
    await served.stop()
  }
  return results
}

interface Reported {
  readonly way: Way
  readonly output: Output
  readonly seconds: number
}

function report(results: RouteResults, { way, output, seconds }: Reported): void {
  const processors = availableParallelism()
  const loadAverage = loadavg()[0]?.toFixed(1)
  const machine = `${processors} processors, load average ${loadAverage} at the end, ${seconds.toFixed(0)} s`
  const text = `${routeSummary(results, { through: way, machine })}\n\n${routeTable(results)}\n`
  switch (output) {
    case 'table':
      process.stdout.write(text)
      break
    case 'json':
      process.stdout.write(`${JSON.stringify({ through: way, processors, loadAverage, results }, null, 2)}\n`)
      break
    case 'page':
      writePage(text)
  }
  const all = Object.values(results).flat()
  if (all.some(({ failed }) => failed > 0)) process.exitCode = 1
}

function writePage(text: string): void {
  const path = join(workspaceRoot, 'docs/many-requests.md')
  const [before] = readFileSync(path, 'utf8').split(measuredMark)
  writeFileSync(path, `${before}${measuredMark}\n${text}`)
}
