/**
 * Millrace beside other durable engines and queues, on one PostgreSQL in one run:
 *
 *   DATABASE_URL=postgresql://… node bench/durable.ts [--engine millrace,dbos,…] [--workers 1,10,50] [--queued 10000]
 *
 * The URL's user has to be one that may create databases; the server needs pg_stat_statements in shared_preload_libraries.
 * Each engine has a database of its own and this process's native driver, and is let go before the next one begins. Steps a
 * second are of executions of ten steps, all that an execution needs included; statements and bytes of the write-ahead log
 * a step are the server's own counts of the same.
 */
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { openDbos } from './peers/dbos.ts'
import type { Engine, OpenEngine } from './peers/engine.ts'
import { openGraphileWorker } from './peers/graphile-worker.ts'
import { openMillrace } from './peers/millrace.ts'
import { openOpenWorkflow } from './peers/openworkflow.ts'
import { openPgBoss } from './peers/pg-boss.ts'

const openers: Readonly<Record<string, OpenEngine>> = {
  millrace: openMillrace,
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
  },
})
const numbers = values.workers.split(',').map(Number)
const queued = Number(values.queued)
const url = process.env['DATABASE_URL'] ?? ''
const admin = new pg.Client({ connectionString: url })
await admin.connect()
await admin.query('create extension if not exists pg_stat_statements')

const queueRows: string[] = []
const stepRows: string[] = []
for (const [name, open] of Object.entries(openers)) {
  if (!values.engine.split(',').includes(name)) continue
  const database = `bench_${name.replaceAll('-', '_')}`
  await admin.query(`drop database if exists ${database}`)
  await admin.query(`create database ${database}`)
  const own = new URL(url)
  own.pathname = `/${database}`
  const engine = await open(own.href)
  try {
    if (engine.takeJobs !== undefined) queueRows.push(await queueRow(engine, engine.takeJobs))
    if (engine.runSteps !== undefined) stepRows.push(await stepRow(engine, engine.runSteps, database))
  } finally {
    await engine.close()
  }
}
const machine = `${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`
process.stdout.write(`Jobs taken a second from a queue of ${queued} (${machine})\n\n`)
process.stdout.write(table(['', ...numbers.map((workers) => `${workers} workers`)], queueRows))
process.stdout.write(`\nExecutions of ${steps} steps\n\n`)
const head = ['', ...numbers.map((workers) => `steps/s, ${workers} workers`), 'statements a step', 'WAL bytes a step']
process.stdout.write(table([...head, 'start to first step, ms'], stepRows))
await admin.end()

async function queueRow(engine: Engine, takeJobs: NonNullable<Engine['takeJobs']>): Promise<string> {
  const rates: string[] = []
  for (const workers of numbers) {
    const { taken, seconds: took } = await takeJobs({ workers, queued, seconds })
    rates.push((taken / took).toFixed(0))
  }
  return `| ${[engine.name, ...rates].join(' | ')} |`
}

async function stepRow(engine: Engine, runSteps: NonNullable<Engine['runSteps']>, database: string): Promise<string> {
  const rates: string[] = []
  let statements = Number.NaN
  let bytes = Number.NaN
  await runSteps({ workers: 1, executions: 10, steps, onFirstStep: ignored })
  for (const workers of numbers) {
    const executions = Math.max(30, workers * 4)
    const before = await counts(database)
    const startedAt = performance.now()
    await runSteps({ workers, executions, steps, onFirstStep: ignored })
    const took = (performance.now() - startedAt) / 1000
    const after = await counts(database)
    rates.push(((executions * steps) / took).toFixed(0))
    statements = (after.statements - before.statements) / (executions * steps)
    bytes = (after.bytes - before.bytes) / (executions * steps)
  }
  const first = await startToFirstStep(runSteps)
  return `| ${[engine.name, ...rates, statements.toFixed(1), bytes.toFixed(0), first.toFixed(1)].join(' | ')} |`
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
  return times.toSorted((one, other) => one - other)[2] ?? Number.NaN
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
