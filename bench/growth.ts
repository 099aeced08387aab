/** What each act takes as data grows; {@link help} says how to call it. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readMigrations } from '@millrace/cli/migrations'
import { migrate } from '@millrace/db/migrate/migrate'
import type { Database } from '@millrace/db/store/database'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../test/database.ts'
import { dialects, type DialectName } from '../test/dialects.ts'
import { everyAct, wholeActs } from '../test/plans/acts/every-act.ts'
import type { Act } from '../test/plans/acts/act.ts'
import { fillEverything } from '../test/plans/fill-everything.ts'
import { workspaceRoot } from '../test/workspace.ts'
import { createDatabase } from './databases.ts'
import { openFilling, startGrowthServers } from './growth-servers.ts'
import { quantileOf } from './statistics.ts'
import { table } from './table.ts'

const help = `Usage: node bench/growth.ts [options]

Measures what each act of the product takes (test/plans/acts: requests, jobs and commands) with 1,000 and 100,000 rows in every
table that grows, by the repositories and the native drivers. The sizes take turns, call by call, so that other work on the
machine affects all of them. Prints, in milliseconds, what a quarter of the calls took less than, which other work affects least, and
how many times that of the smallest size. The aim is 1.3, or no
more than 0.25 ms longer. Acts that read whole tables by what they are follow in a table of their own.

  --dialect NAMES  sqlite, postgres, mysql, with commas between (all)
  --sizes NUMBERS  of rows, with commas between (1000,100000)
  --million        1,000,000 as well: filling takes ten minutes and 4 GB of disk space for each database
  --act PATTERN    those whose name matches a regular expression (all)
  --rounds N       calls of each act in each size (25), after five that warm up
  --not-analysed   the planners never look at the tables
  --help

It starts its own servers: PostgreSQL of Debian with its JIT compiler, MariaDB with 4 GB of memory.
Exits with 1 where an act misses the aim, or fails.
`

const { values } = parseArgs({
  options: {
    dialect: { type: 'string', default: dialects.join(',') },
    sizes: { type: 'string', default: '1000,100000' },
    million: { type: 'boolean', default: false },
    act: { type: 'string', default: '' },
    rounds: { type: 'string', default: '25' },
    'not-analysed': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}
const aim = 1.3
/** What is less may be a busy processor's. */
const noiseMilliseconds = 0.25
const warmUps = 5
/** Calls of what reads whole tables: each takes seconds. */
const wholeRounds = 2
/** How many acts use up spares of one kind, at most. */
const shares = 6

const sizes = [...values.sizes.split(',').map(Number), ...(values.million ? [1_000_000] : [])]
const rounds = Number(values.rounds)
const acts = Object.entries(everyAct).filter(([name]) => new RegExp(values.act).test(name))
const compared = dialects.filter((name) => values.dialect.split(',').includes(name))

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
// PostgreSQL runs as another user when this is root.
chmodSync(directory, 0o711)
const servers = await startGrowthServers(directory, compared)
const missedBy: DialectName[] = []
try {
  for (const dialect of compared) if (await compare(dialect)) missedBy.push(dialect)
} finally {
  await servers.stop()
  rmSync(directory, { recursive: true, force: true })
}
process.exitCode = missedBy.length > 0 ? 1 : 0

/** Gives whether an act missed the aim. */
async function compare(dialect: DialectName): Promise<boolean> {
  const worlds: Database[] = []
  try {
    for (const count of sizes) worlds.push(await filled(dialect, count))
    const whole = acts.filter(([name]) => name in wholeActs)
    const bounded = acts.filter(([name]) => !(name in wholeActs))
    const isWithin = await measureAll(`${dialect}, a quarter of ${rounds} calls took less`, bounded, worlds, true)
    const isDone = await measureAll(`${dialect}, what reads whole tables`, whole, worlds, false)
    return !isWithin || !isDone
  } finally {
    for (const database of worlds) await database.close()
  }
}

async function measureAll(
  title: string,
  measured: readonly (readonly [string, Act])[],
  worlds: readonly Database[],
  hasAim: boolean,
): Promise<boolean> {
  if (measured.length === 0) return true
  const rows: (readonly string[])[] = []
  const missed: string[] = []
  for (const [name, act] of measured) {
    const quartiles = await measure(act, worlds, hasAim ? rounds : wholeRounds).catch((thrown: unknown) => {
      missed.push(`${name}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
      return undefined
    })
    if (quartiles === undefined) continue
    const [least = Number.NaN] = quartiles
    const isSlow = quartiles.some((quartile) => quartile > least * aim && quartile > least + noiseMilliseconds)
    if (isSlow && hasAim) missed.push(`${name}: ${quartiles.map((quartile) => quartile.toFixed(2)).join(', ')} ms`)
    rows.push([
      name,
      ...quartiles.flatMap((quartile, index) => [
        quartile.toFixed(2),
        ...(index > 0 ? [(quartile / least).toFixed(2)] : []),
      ]),
    ])
  }
  const machine = `${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`
  const head = sizes.flatMap((count, index) => [`${count.toLocaleString('en')} rows, ms`, ...(index > 0 ? ['×'] : [])])
  process.stdout.write(`\n${title} (${machine})\n\n${table(['', ...head], rows)}\n`)
  if (missed.length === 0) return true
  process.stdout.write(`\nBeyond the aim:\n${missed.map((line) => `- ${line}\n`).join('')}`)
  return false
}

async function filled(dialect: DialectName, count: number): Promise<Database> {
  const { url } = await createDatabase(dialect, servers.started, directory)
  const target = targetOf(url)
  const database = await openNativeDatabase({ target, timeoutSeconds: 600, log: () => undefined })
  await migrate(database, readMigrations(workspaceRoot, dialect))
  const filling = await openFilling(dialect, url, database)
  const startedAt = performance.now()
  const isAnalyzed = !values['not-analysed']
  await fillEverything({ raw: filling.raw }, { count, isAnalyzed, spares: (rounds + warmUps) * shares })
  await filling.close()
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  process.stderr.write(`${dialect}: ${count.toLocaleString('en')} rows were filled in within ${seconds} s\n`)
  return database
}

async function measure(act: Act, worlds: readonly Database[], calls: number): Promise<readonly number[]> {
  const times = worlds.map((): number[] => [])
  for (let round = 0; round < (calls < warmUps ? calls : warmUps + calls); round += 1) {
    for (const [index, database] of worlds.entries()) {
      const later: (() => Promise<unknown>)[] = []
      const scene = {
        ...{ store: database.store(), database, round, rounds: warmUps + rounds },
        later: (work: () => Promise<unknown>) => later.push(work),
      }
      const startedAt = performance.now()
      await act(scene)
      // The first ones warm up: plans, caches, compiled code.
      if (round >= warmUps || calls < warmUps) times[index]?.push(performance.now() - startedAt)
      for (const work of later) await work()
    }
  }
  return times.map((of) => quantileOf(of, 0.25))
}
