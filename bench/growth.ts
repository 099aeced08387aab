/** What an act takes as data grows; {@link help} says how to call it. */
import { chmodSync, mkdtempSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { readMigrations } from '@millrace/cli/migrations'
import type { UserCaller } from '@millrace/db/access/access'
import { migrate } from '@millrace/db/migrate/migrate'
import { claimExecutions, type Claim } from '@millrace/db/repositories/executions/claim'
import { createWorkflows } from '@millrace/db/repositories/workflows/create'
import { listWorkflows } from '@millrace/db/repositories/workflows/list'
import { patchWorkflow } from '@millrace/db/repositories/workflows/patch'
import { getWorkflow } from '@millrace/db/repositories/workflows/workflows'
import type { Database } from '@millrace/db/store/database'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../test/database.ts'
import { dialects, type DialectName, type RawRow } from '../test/dialects.ts'
import { documentOf } from '../test/executions/kit.ts'
import { fillWithExecutions } from '../test/plans/fill-executions.ts'
import { fillDatabase } from '../test/plans/fill.ts'
import type { ServerAddress } from '../test/servers/address.ts'
import { createMariadbCluster } from '../test/servers/mariadb.ts'
import { runVariable, serverNames } from '../test/servers/protocol.ts'
import { startServers } from '../test/servers/start.ts'
import { workspaceRoot } from '../test/workspace.ts'
import { createDatabase } from './databases.ts'
import { medianOf } from './statistics.ts'

const help = `Usage: node bench/growth.ts [options]

Measures what a read, a list, a creation, an update and a claim take with 1,000 and 100,000 workflows or executions in the
database, by the repositories and the native drivers. The sizes take turns, call by call, so that other work on the machine
affects all of them. Prints medians in milliseconds, and how many times that of the smallest size. The aim is 1.3.

  --dialect NAMES  sqlite, postgres, mysql, with commas between (all)
  --million        1,000,000 as well: filling takes minutes and 3 GB of disk space for each database
  --act NAMES      read, list, create, update, claim, claimNamed, with commas between (all)
  --rounds N       calls of each act in each size (60), after ten that warm up
  --help

It starts its own servers, MariaDB with 1 GB of memory. TEST_POSTGRES_URL and TEST_MYSQL_URL name others, whose user may create databases.
`

const growthActs = ['read', 'list', 'create', 'update', 'claim', 'claimNamed'] as const
type GrowthAct = (typeof growthActs)[number]

const { values } = parseArgs({
  options: {
    dialect: { type: 'string', default: dialects.join(',') },
    million: { type: 'boolean', default: false },
    act: { type: 'string', default: growthActs.join(',') },
    rounds: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(help)
  process.exit(0)
}
const sizes = [1000, 100_000, ...(values.million ? [1_000_000] : [])]
const rounds = Number(values.rounds)
const acts = growthActs.filter((act) => values.act.split(',').includes(act))
// After all that was filled in, and before the leases end that last.
const now = new Date('2040-01-01T00:00:00.000Z')
/** Owns half of all workflows. */
const owner: UserCaller = { kind: 'user', userId: 'u1', issuedAt: now, mayAdminister: false }
/** Owns the workflow that a third of all executions are of. */
const caller: UserCaller = { kind: 'user', userId: 'u2', issuedAt: now, mayAdminister: false }

const definition = documentOf('{}')

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
// PostgreSQL runs as another user when this is root.
chmodSync(directory, 0o711)
const runId = randomUUID()
const compared = dialects.filter((name) => values.dialect.split(',').includes(name))
const mariadb =
  compared.includes('mysql') && process.env['TEST_MYSQL_URL'] === undefined ? await startMariadb() : undefined
const wanted = serverNames.filter((name) => compared.includes(name) && (name !== 'mysql' || mariadb === undefined))
const servers = await startServers(directory, runId, directory, wanted)
const started = mariadb === undefined ? servers.started : { ...servers.started, mysql: mariadb.address }
process.env[runVariable] = runId
try {
  for (const dialect of compared) await compare(dialect)
} finally {
  await servers.stop()
  await mariadb?.stop()
}

/** The tests' own has 64 MB of memory: beyond some 100,000 rows it would measure the disk. */
async function startMariadb(): Promise<{ readonly address: ServerAddress; stop(): Promise<void> }> {
  const settings = ['--innodb-buffer-pool-size=1G', '--loose-innodb-log-file-size=512M']
  const cluster = await createMariadbCluster(join(directory, 'mariadb'), new AbortController().signal, settings)
  if ('missing' in cluster) throw new Error(cluster.missing)
  const server = await cluster.start()
  return { address: cluster.address, stop: () => server.stop() }
}

interface World {
  readonly workflows: Database
  readonly executions: Database
}

async function compare(dialect: DialectName): Promise<void> {
  const worlds: World[] = []
  try {
    for (const count of sizes) {
      const workflows = await filled(dialect, (raw) => fillDatabase({ raw }, { count }))
      const executions = await filled(dialect, (raw) => fillWithExecutions({ raw }, { count }))
      worlds.push({ workflows, executions })
    }
    const machine = `${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`
    process.stdout.write(`\n${dialect}, median of ${rounds} calls (${machine})\n\n`)
    const head = sizes.flatMap((count, index) => [
      `${count.toLocaleString('en')} rows, ms`,
      ...(index > 0 ? ['×'] : []),
    ])
    process.stdout.write(`| ${['', ...head].join(' | ')} |\n|---|${'--:|'.repeat(head.length)}\n`)
    for (const act of acts) process.stdout.write(`| ${(await measure(act, worlds)).join(' | ')} |\n`)
  } finally {
    for (const { workflows, executions } of worlds) {
      await workflows.close()
      await executions.close()
    }
  }
}

type Raw = Parameters<typeof fillDatabase>[0]['raw']

async function filled(dialect: DialectName, fill: (raw: Raw) => Promise<void>): Promise<Database> {
  const { url } = await createDatabase(dialect, started, directory)
  const database = await openNativeDatabase({ target: targetOf(url), timeoutSeconds: 600, log: () => undefined })
  await migrate(database, readMigrations(workspaceRoot, dialect))
  const query = async (text: string): Promise<RawRow[]> => {
    await database.transport().run({ text, parameters: [], timeoutSeconds: 600 })
    return []
  }
  await fill({ dialect, url, query, drop: () => Promise.resolve() })
  return database
}

async function measure(act: GrowthAct, worlds: readonly World[]): Promise<readonly string[]> {
  const times = worlds.map((): number[] => [])
  // The first ten warm up: plans, caches, compiled code.
  for (let round = -10; round < rounds; round += 1) {
    for (const [index, world] of worlds.entries()) {
      const startedAt = performance.now()
      await run(act, world, round)
      if (round >= 0) times[index]?.push(performance.now() - startedAt)
    }
  }
  const medians = times.map(medianOf)
  const [least = 1] = medians
  return [
    act,
    ...medians.flatMap((median, index) => [median.toFixed(2), ...(index > 0 ? [(median / least).toFixed(2)] : [])]),
  ]
}

async function run(act: GrowthAct, { workflows, executions }: World, round: number): Promise<void> {
  const store = workflows.store()
  const at = new Date()
  const id = randomUUID()
  const outcome = await {
    read: () => getWorkflow(store, owner, 'w500'),
    list: () => listWorkflows(store, owner, { scope: 'all', order: 'createdAt', limit: 50 }),
    create: () =>
      createWorkflows(store, caller, [
        { id, versionId: randomUUID(), name: 'bench', description: null, definition, isPublic: false, createdAt: at },
      ]),
    update: () =>
      patchWorkflow(store, owner, 'w500', {
        change: { definition: documentOf(`{"round":${round},"at":${performance.now()}}`) },
        ifRevision: 'any',
        versionId: randomUUID(),
        operation: randomUUID(),
        at,
      }),
    claim: () => claimExecutions(executions.store(), caller, claimOf(id, undefined, round)),
    claimNamed: () => claimExecutions(executions.store(), caller, claimOf(id, ['w2'], round)),
  }[act]()
  if (!outcome.ok) throw new Error(`${act}: ${outcome.refusal}`)
}

/** Leases end a millisecond apart, as those of claims that follow one another: their entries are found by them. */
function claimOf(operation: string, workflowIds: readonly string[] | undefined, round: number): Claim {
  const leaseUntil = new Date(now.getTime() + 60_000 + round)
  return { operation, worker: 'bench', limit: 1, at: now, leaseUntil, workflowIds }
}
