import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { newServiceSecrets } from '@millrace/cli/secrets'
import type { DialectName } from '../test/dialects.ts'
import type { Client } from './load.ts'
import { startRetentionDatabase, type LockWaits, type RetentionDatabase } from './retention-database.ts'
import { fillStatements, liveCount } from './retention-fill.ts'
import { atFullSpeed, atPace, createRetentionWorld, type FeltByAct, type RetentionWorld } from './retention-load.ts'
import { retentionTable } from './retention-report.ts'
import { startSweeper, type Sweeper, type SweepRun } from './retention-sweeper.ts'
import { startServe } from './serve-subjects.ts'

export interface RetentionOptions {
  readonly dialects: readonly DialectName[]
  /** Executions that have ended. */
  readonly rows: number
  /** Pending ones, which the claims take. */
  readonly queued: number
  readonly rounds: number
  /** Of one slice; the sweep alone takes ten times as long, or until nothing is left. */
  readonly seconds: number
  /** Requests of each act in a second, where they come at a pace. */
  readonly pace: number
}

/** What was felt in all rounds, without a sweep and beside one. */
export interface Slices {
  readonly withoutSweep: FeltByAct[]
  readonly besideSweep: FeltByAct[]
}

export interface RetentionResult {
  readonly dialect: DialectName
  readonly rows: number
  readonly pace: number
  readonly fillSeconds: number
  readonly paced: Slices
  readonly full: Slices
  /** Runs beside requests at a pace, beside as many as are answered, and alone. */
  readonly runs: Readonly<Record<'paced' | 'full' | 'alone' | 'audit', readonly SweepRun[]>>
  readonly locks: Readonly<Record<'withoutSweep' | 'besideSweep', LockWaits | undefined>>
  readonly bytes: { readonly before: number; readonly after: number }
}

/**
 * Sweeps a database of many ended executions while the service answers: what is deleted in a second, and what requests feel of
 * it. Each dialect has a server of its own, `millrace serve` in a process, and the sweep in another.
 */
export async function measureRetention(options: RetentionOptions): Promise<void> {
  const unwanted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      unwanted.abort()
      process.exit(1)
    })
  }
  for (const dialect of options.dialects) {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
    // PostgreSQL runs as another user when this is root.
    chmodSync(directory, 0o711)
    try {
      const result = await measureDialect(dialect, { ...options, directory, unwanted: unwanted.signal })
      process.stdout.write(`\n${retentionTable(result, loadavg()[0] ?? 0)}\n`)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

interface DialectOptions extends RetentionOptions {
  readonly directory: string
  readonly unwanted: AbortSignal
}

async function measureDialect(dialect: DialectName, options: DialectOptions): Promise<RetentionResult> {
  const database = await startRetentionDatabase(dialect, options.directory, options.unwanted)
  try {
    // Its own clean-up leaves everything, also where a slot of it falls into the run.
    const variables = { ...newServiceSecrets(), LOG_LEVEL: 'warn', AUDIT_KEEP: '9000d' }
    const serve = await startServe({ url: database.url, directory: options.directory, variables })
    try {
      const world = await createRetentionWorld(serve.client, liveCount(options.rows))
      const fillSeconds = await fill(dialect, database, world, options)
      const sweeper = startSweeper(database.url)
      try {
        return {
          dialect,
          rows: options.rows,
          pace: options.pace,
          fillSeconds,
          ...(await measure({ database, client: serve.client, world, sweeper }, options)),
        }
      } finally {
        sweeper.stop()
      }
    } finally {
      await serve.stop()
    }
  } finally {
    await database.stop()
  }
}

async function fill(
  dialect: DialectName,
  database: RetentionDatabase,
  { owners }: RetentionWorld,
  { rows, queued }: RetentionOptions,
): Promise<number> {
  const startedAt = performance.now()
  await database.load(fillStatements(dialect, owners, { ended: rows, queued }))
  const seconds = (performance.now() - startedAt) / 1000
  // SQLite's rows are brought in without a turn of the event loop: which connections the service has closed is seen only now.
  await delay(200)
  return seconds
}

interface Stage {
  readonly database: RetentionDatabase
  readonly client: Client
  readonly world: RetentionWorld
  readonly sweeper: Sweeper
}

type Measured = Omit<RetentionResult, 'dialect' | 'rows' | 'pace' | 'fillSeconds'>

async function measure({ database, client, world, sweeper }: Stage, options: RetentionOptions): Promise<Measured> {
  const { rounds, seconds, pace } = options
  const before = await database.bytes()
  const waited = { withoutSweep: noWaits, besideSweep: noWaits }
  const slices = { paced: noSlices(), full: noSlices() }
  const runs = { paced: [] as SweepRun[], full: [] as SweepRun[] }
  const loads = {
    paced: () => atPace(client, world, { seconds, perSecond: pace }),
    full: () => atFullSpeed(client, world, seconds),
  }
  // The first ones warm up: plans, caches, compiled code.
  await world.logIn()
  await atFullSpeed(client, world, 2)
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of ['paced', 'full'] as const) {
      await world.logIn()
      const first = await database.lockWaits()
      slices[kind].withoutSweep.push(await loads[kind]())
      const second = await database.lockWaits()
      sweeper.begin('executions')
      slices[kind].besideSweep.push(await loads[kind]())
      runs[kind].push(...(await sweeper.end()))
      waited.withoutSweep = sumOf(waited.withoutSweep, first, second)
      waited.besideSweep = sumOf(waited.besideSweep, second, await database.lockWaits())
    }
  }
  const alone = await sweeper.sweep('executions', 10 * seconds)
  const audit = await sweeper.sweep('audit', seconds)
  const after = await database.bytes()
  const isCounted = (await database.lockWaits()) !== undefined
  const locks = isCounted ? waited : { withoutSweep: undefined, besideSweep: undefined }
  return { ...slices, runs: { ...runs, alone, audit }, locks, bytes: { before, after } }
}

const noWaits: LockWaits = { waits: 0, milliseconds: 0, deadlocks: 0 }

function noSlices(): Slices {
  return { withoutSweep: [], besideSweep: [] }
}

function sumOf(sum: LockWaits, from: LockWaits = noWaits, to: LockWaits = noWaits): LockWaits {
  return {
    waits: sum.waits + to.waits - from.waits,
    milliseconds: sum.milliseconds + to.milliseconds - from.milliseconds,
    deadlocks: sum.deadlocks + to.deadlocks - from.deadlocks,
  }
}
