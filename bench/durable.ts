/**
 * Millrace beside other durable engines and queues, on one PostgreSQL in one run:
 *
 *   DATABASE_URL=postgresql://… node bench/durable.ts [--engine millrace,dbos,…] [--workers 1,10,50] [--queued 10000] [--rounds 3]
 *
 * The URL's user has to be one that may create databases; the server needs pg_stat_statements in shared_preload_libraries.
 * Each engine has a database of its own and this process's native driver. They take turns at each number of workers, as many
 * rounds as are asked for, so that what else the machine does meets all of them; the median of an engine's turns counts.
 * Jobs per CPU second count the CPU time of this process and of a local server's: other work changes them less than rates.
 * Steps a second are of executions of ten steps, all that an execution needs included; statements and bytes of the
 * write-ahead log a step are the server's own counts of the same.
 */
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { openDbos } from './peers/dbos.ts'
import type { Engine, OpenEngine } from './peers/engine.ts'
import { openGraphileWorker } from './peers/graphile-worker.ts'
import { openMillrace, openMillraceInTwo, openMillraceWithKeys } from './peers/millrace.ts'
import { openOpenWorkflow } from './peers/openworkflow.ts'
import { openPgBoss } from './peers/pg-boss.ts'
import { cpuMilliseconds, parentOf } from './processes.ts'
import { medianOf } from './statistics.ts'

const openers: Readonly<Record<string, OpenEngine>> = {
  millrace: openMillrace,
  'millrace-keys': openMillraceWithKeys,
  'millrace-processes': openMillraceInTwo,
  'graphile-worker': openGraphileWorker,
  'pg-boss': openPgBoss,
  dbos: openDbos,
  openworkflow: openOpenWorkflow,
}
const steps = 10
const seconds = 8

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: Object.keys(openers).join(',') },
    workers: { type: 'string', default: '1,10,50' },
    queued: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
  },
})
const numbers = values.workers.split(',').map(Number)
const queued = Number(values.queued)
const rounds = Number(values.rounds)
const url = process.env['DATABASE_URL'] ?? ''
const admin = new pg.Client({ connectionString: url })
await admin.connect()
await admin.query('create extension if not exists pg_stat_statements')

interface Subject {
  readonly engine: Engine
  readonly database: string
}

const subjects: Subject[] = []
for (const [name, open] of Object.entries(openers)) {
  if (!values.engine.split(',').includes(name)) continue
  const database = `bench_${name.replaceAll('-', '_')}`
  await admin.query(`drop database if exists ${database}`)
  await admin.query(`create database ${database}`)
  const own = new URL(url)
  own.pathname = `/${database}`
  subjects.push({ engine: await open(own.href), database })
}
try {
  const queueRows = await compareQueues()
  const machine = `${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`
  process.stdout.write(`Jobs taken a second from a queue of ${queued} (${machine})\n\n`)
  const ofCpu = numbers.map((workers) => `per CPU second, ${workers} workers`)
  process.stdout.write(table(['', ...numbers.map((workers) => `${workers} workers`), ...ofCpu], queueRows))
  const stepRows = await compareSteps()
  process.stdout.write(`\nExecutions of ${steps} steps\n\n`)
  const head = ['', ...numbers.map((workers) => `steps/s, ${workers} workers`), 'statements a step', 'WAL bytes a step']
  process.stdout.write(table([...head, 'start to first step, ms'], stepRows))
} finally {
  for (const { engine } of subjects) await engine.close()
  await admin.end()
}

async function compareQueues(): Promise<readonly string[]> {
  const taking = subjects.flatMap(({ engine: { name, takeJobs } }) =>
    takeJobs === undefined
      ? []
      : [{ name, takeJobs, rates: numbers.map((): number[] => []), ofCpu: numbers.map((): number[] => []) }],
  )
  // Connections, plans and compiled code are there afterwards, of each engine.
  for (const { takeJobs } of taking) {
    await takeJobs({ workers: Math.max(...numbers), queued: Math.min(queued, 200), seconds })
  }
  const server = await serverProcess()
  for (const { workers, place } of turns()) {
    for (const { takeJobs, rates, ofCpu } of taking) {
      let before = 0
      const onFilled = () => (before = cpuMillisecondsSoFar(server))
      const { taken, seconds: took } = await takeJobs({ workers, queued, seconds, onFilled })
      rates[place]?.push(taken / took)
      ofCpu[place]?.push((taken * 1000) / (cpuMillisecondsSoFar(server) - before))
    }
  }
  return taking.map(({ name, rates, ofCpu }) => `| ${[name, ...rates.map(spread), ...ofCpu.map(spread)].join(' | ')} |`)
}

async function compareSteps(): Promise<readonly string[]> {
  const running = subjects.flatMap(({ engine: { name, runSteps }, database }) =>
    runSteps === undefined
      ? []
      : [
          {
            name,
            runSteps,
            database,
            rates: numbers.map((): number[] => []),
            statements: Number.NaN,
            bytes: Number.NaN,
          },
        ],
  )
  for (const { runSteps } of running) {
    await runSteps({ workers: Math.max(...numbers), executions: 50, steps, onFirstStep: ignored })
  }
  for (const { workers, place } of turns()) {
    for (const subject of running) {
      const { runSteps, database, rates } = subject
      const executions = Math.max(30, workers * 4)
      const before = await counts(database)
      const startedAt = performance.now()
      await runSteps({ workers, executions, steps, onFirstStep: ignored })
      rates[place]?.push((executions * steps * 1000) / (performance.now() - startedAt))
      const after = await counts(database)
      subject.statements = (after.statements - before.statements) / (executions * steps)
      subject.bytes = (after.bytes - before.bytes) / (executions * steps)
    }
  }
  const rows: string[] = []
  for (const { name, runSteps, rates, statements, bytes } of running) {
    const first = await startToFirstStep(runSteps)
    rows.push(
      `| ${[name, ...rates.map(spread), statements.toFixed(1), bytes.toFixed(0), first.toFixed(1)].join(' | ')} |`,
    )
  }
  return rows
}

/** Every number of workers once in each round. */
function turns(): readonly { readonly workers: number; readonly place: number }[] {
  return Array.from({ length: rounds }, () => numbers.map((workers, place) => ({ workers, place }))).flat()
}

/**
 * A local server's process, from which all of its backends descend; undefined where the server runs elsewhere. Then only this
 * process is counted.
 */
async function serverProcess(): Promise<number | undefined> {
  const { rows } = await admin.query<{ readonly pid: number }>('select pg_backend_pid() as pid')
  return parentOf(rows[0]?.pid ?? 0)
}

/** CPU time of this process and of the server's. */
function cpuMillisecondsSoFar(server: number | undefined): number {
  return cpuMilliseconds(process.pid) + (server === undefined ? 0 : cpuMilliseconds(server))
}

/** The median, with the least and the most. */
function spread(rates: readonly number[]): string {
  const [least, most] = [Math.min(...rates), Math.max(...rates)].map((rate) => rate.toFixed(0))
  return rates.length < 2 ? medianOf(rates).toFixed(0) : `${medianOf(rates).toFixed(0)} (${least} to ${most})`
}

/** The median of five, with nothing else to do. */
async function startToFirstStep(runSteps: NonNullable<Engine['runSteps']>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 5; round += 1) {
    const startedAt = performance.now()
    await runSteps({
      workers: 1,
      executions: 1,
      steps: 1,
      onFirstStep: () => times.push(performance.now() - startedAt),
    })
  }
  return medianOf(times)
}

/** What the server has counted: statements of one database, without BEGIN, COMMIT and settings; the log is everyone's. */
async function counts(database: string): Promise<{ readonly statements: number; readonly bytes: number }> {
  const { rows } = await admin.query<{ readonly statements: string; readonly bytes: string }>(
    `select coalesce(sum(calls) filter (where query !~* '^(begin|start|commit|rollback|set|discard|listen|notify)'), 0) as statements,
       pg_current_wal_insert_lsn() - '0/0' as bytes
     from pg_stat_statements join pg_database on pg_database.oid = dbid where datname = $1`,
    [database],
  )
  return { statements: Number(rows[0]?.statements), bytes: Number(rows[0]?.bytes) }
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [`| ${head.join(' | ')} |`, `|---|${'--:|'.repeat(head.length - 1)}`, ...rows, ''].join('\n')
}

function ignored(): void {}
