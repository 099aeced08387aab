/**
 * `pnpm bench --check [--record]` compares what a request of `millrace serve` costs with bench/expected.json, in one to two
 * minutes.
 *
 * `pnpm bench [--quick] [--dialect sqlite,postgres,mysql] [--seconds 360] [--json]`: the product against the floor
 * (bench/floor.ts) in one run, on databases that it starts and ends itself. `--quick` is two minutes in all;
 * `--seconds` is the time under load, of all dialects together. Loopback only. Exit 2 on an option that it does not know.
 *
 * `pnpm bench --retention [--rows 1000000] [--queued 40000] [--rounds 3] [--seconds 8] [--pace 20] [--dialect …]`: what the
 * sweep of ended executions deletes in a second, and what requests feel of it (bench/retention.ts).
 */
import { chmodSync, mkdtempSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { dialects, type DialectName } from '../test/dialects.ts'
import { runVariable } from '../test/servers/protocol.ts'
import { startServers, type Servers } from '../test/servers/start.ts'
import { buildOtherWorker, buildWorker, type BuiltWorker } from '../test/servers/worker.ts'
import { createWorld, type World } from './acts.ts'
import { acts } from './floor-contract.ts'
import { lanes, measure, type Plan } from './measure.ts'
import type { RetentionOptions } from './retention.ts'
import { resultOf, tablesOf, type Result } from './report.ts'
import { startStage, type StageOptions } from './subjects.ts'

const sizes = [6_000, 60_000]
/** Leaves a minute of two for the servers, the builds and the warming up. */
const quickSeconds = 60
const wholeSeconds = 360
const rounds = { quick: 4, whole: 10 }

interface Wanted {
  readonly kind: 'bench'
  readonly dialects: readonly DialectName[]
  readonly plan: Plan
  readonly isJson: boolean
}

interface WantedCheck {
  readonly kind: 'check'
  readonly records: boolean
}

interface WantedRetention {
  readonly kind: 'retention'
  readonly options: RetentionOptions
}

const help = `pnpm bench [--quick] [--dialect ${dialects.join(',')}] [--seconds 360] [--json]
  the service beside a minimal program that sends the same SQL
pnpm bench --check [--record]
  what a request of millrace serve costs, beside bench/expected.json
pnpm bench --retention [--rows 1000000] [--queued 40000] [--rounds 3] [--seconds 8] [--pace 20] [--dialect ${dialects.join(',')}]
  what the sweep of ended executions deletes in a second, and what requests feel of it; a slice takes --seconds`

class UsageError extends Error {}

try {
  const wanted = readArguments()
  switch (wanted.kind) {
    case 'help':
      process.stdout.write(`${help}\n`)
      break
    case 'bench':
      await run(wanted)
      break
    case 'check':
      await runCheck(wanted)
      break
    case 'retention': {
      const { measureRetention } = await import('./retention.ts')
      await measureRetention(wanted.options)
    }
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = isUsage(error) ? 2 : 1
}

function readArguments(): Wanted | WantedCheck | WantedRetention | { readonly kind: 'help' } {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      dialect: { type: 'string', default: dialects.join(',') },
      seconds: { type: 'string' },
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      retention: { type: 'boolean', default: false },
      rows: { type: 'string', default: '1000000' },
      queued: { type: 'string', default: '40000' },
      rounds: { type: 'string', default: '3' },
      pace: { type: 'string', default: '20' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return { kind: 'help' }
  if (values.check) return { kind: 'check', records: values.record }
  const names = values.dialect.split(',')
  const wanted = dialects.filter((dialect) => names.includes(dialect))
  if (wanted.length !== names.length)
    throw new UsageError(`--dialect takes ${dialects.join(', ')}, with commas between`)
  if (values.retention) {
    const { rows, queued, rounds: count, seconds: each = '8', pace } = values
    return {
      kind: 'retention',
      options: {
        dialects: wanted,
        rows: positive('--rows', rows),
        queued: positive('--queued', queued),
        rounds: positive('--rounds', count),
        seconds: positive('--seconds', each),
        pace: positive('--pace', pace),
      },
    }
  }
  const seconds = values.seconds === undefined ? (values.quick ? quickSeconds : wholeSeconds) : Number(values.seconds)
  if (!(seconds > 0 && seconds <= 800))
    throw new UsageError('--seconds takes a number up to 800: tokens last 15 minutes')
  const count = values.quick ? rounds.quick : rounds.whole
  // Product and floor, each under full load and then half as long alone.
  const slices = wanted.length * sizes.length * acts.length * count * 2 * 1.5
  return {
    kind: 'bench',
    dialects: wanted,
    plan: { rounds: count, sliceSeconds: seconds / slices },
    isJson: values.json,
  }
}

function positive(option: string, value: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < 1) throw new UsageError(`${option} takes a whole number from 1 on`)
  return number
}

async function runCheck({ records }: WantedCheck): Promise<void> {
  const { check } = await import('./check.ts')
  const worse = await check({ records })
  if (worse.length === 0) return
  process.stderr.write(`${worse.length} costs are not as bench/expected.json says:\n${worse.join('\n')}\n`)
  process.exitCode = 1
}

function isUsage(error: unknown): boolean {
  return error instanceof UsageError || (error instanceof TypeError && 'code' in error)
}

async function run({ dialects: wanted, plan, isJson }: Wanted): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  // PostgreSQL runs as another user when this is root.
  chmodSync(directory, 0o711)
  const runId = randomUUID()
  // Before the servers: where one can't be built, nothing else is there to be ended.
  const [product, floor] = await Promise.all([
    build(join(directory, 'product')),
    buildOtherWorker(join(directory, 'floor'), join(import.meta.dirname, 'floor.ts')),
  ])
  const servers = await startServers(directory, runId)
  // Inherited by what is started from here on, so that the servers' process can end it where this one is killed.
  process.env[runVariable] = runId
  const results: Partial<Record<DialectName, readonly Result[]>> = {}
  try {
    for (const dialect of wanted) {
      const missing = missingServer(dialect, servers)
      if (missing !== undefined) {
        process.stderr.write(`${dialect} is not measured: ${missing}\n`)
        continue
      }
      const measured = await runDialect(dialect, { directory, servers, workers: { product, floor } }, plan)
      results[dialect] = measured
      if (!isJson) process.stdout.write(`\n## ${dialect}\n\n${tablesOf(measured)}\n`)
    }
    const machine = { processors: availableParallelism(), loadAverage: loadavg()[0]?.toFixed(1) }
    if (isJson) process.stdout.write(`${JSON.stringify({ machine, lanes, plan, results }, null, 2)}\n`)
    else process.stdout.write(`\n${machine.processors} processors, load average ${machine.loadAverage} at the end.\n`)
  } finally {
    await servers.stop()
  }
}

function missingServer(dialect: DialectName, { started }: Servers): string | undefined {
  if (dialect === 'sqlite') return undefined
  const server = started[dialect]
  return 'missing' in server ? server.missing : undefined
}

async function runDialect(dialect: DialectName, options: StageOptions, plan: Plan): Promise<readonly Result[]> {
  const stage = await startStage(dialect, options)
  try {
    const worlds: World[] = []
    for (const bytes of sizes) worlds.push(await createWorld(stage.subjects.product.client, bytes, lanes.throughput))
    return (await measure(stage, worlds, plan)).map(resultOf)
  } finally {
    await stage.stop()
  }
}

async function build(directory: string): Promise<BuiltWorker> {
  const built = await buildWorker(directory)
  if ('failed' in built) throw new Error(built.failed)
  return built
}
