/**
 * `node bench/routes.ts [--dialect sqlite,postgres,mysql] [--at-once 2,10,50]`: each route of `millrace serve` with so many
 * requests at once, twice that many in all: successes, what the contract refuses, faults of the server (5xx), retries of
 * statements behind the answers, and latencies. Exit 1 where there was any 5xx.
 */
import { chmodSync, mkdtempSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes, randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { dialects, type DialectName } from '../test/dialects.ts'
import { runVariable } from '../test/servers/protocol.ts'
import { startServers } from '../test/servers/start.ts'
import { createDatabase } from './databases.ts'
import type { Client } from './load.ts'
import { createRouteWorld, routeActs, type RouteAct, type RouteWorld } from './route-acts.ts'
import { startServe } from './serve-subjects.ts'
import { quantileOf, sumOf } from './statistics.ts'

const { values } = parseArgs({
  options: {
    dialect: { type: 'string', default: dialects.join(',') },
    'at-once': { type: 'string', default: '2,10,50' },
  },
})
const wanted = dialects.filter((dialect) => values.dialect.split(',').includes(dialect))
const numbers = values['at-once'].split(',').map(Number)
const metricsToken = randomBytes(32).toString('base64url')

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
// PostgreSQL runs as another user when this is root.
chmodSync(directory, 0o711)
const runId = randomUUID()
const servers = await startServers(directory, runId)
process.env[runVariable] = runId
let faults = 0
try {
  for (const dialect of wanted) faults += await measureDialect(dialect)
} finally {
  await servers.stop()
}
if (faults > 0) process.exitCode = 1

async function measureDialect(dialect: DialectName): Promise<number> {
  const { url } = await createDatabase(dialect, servers.started, directory)
  const limits = 'registrations=1000,shares=100000'
  const variables = { ...newServiceSecrets(), LOG_LEVEL: 'error', METRICS_TOKEN: metricsToken, RATE_LIMITS: limits }
  const serve = await startServe({ url, directory, variables })
  let found = 0
  try {
    const total = 2 * sumOf(numbers)
    const world = await createRouteWorld(serve.client, total)
    process.stdout.write(`\n${dialect} (${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)})\n\n`)
    process.stdout.write(
      '| route | at once | 2xx | 4xx | 5xx | retries | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|--:|--:|--:|\n',
    )
    for (const act of routeActs) {
      let sent = 0
      for (const atOnce of numbers) {
        const { line, serverFaults } = await measure(serve.client, world, act, atOnce, sent)
        sent += atOnce * 2
        found += serverFaults
        process.stdout.write(`| ${line.join(' | ')} |\n`)
      }
    }
  } finally {
    await serve.stop()
  }
  return found
}

async function measure(client: Client, world: RouteWorld, act: RouteAct, atOnce: number, from: number) {
  const before = await retries(client)
  const latencies: number[] = []
  const statuses: number[] = []
  let next = from
  const lane = async () => {
    for (let turn = 0; turn < 2; turn += 1) {
      const number = next
      next += 1
      const sentAt = performance.now()
      const { status, body } = await world.send(act, number)
      latencies.push(performance.now() - sentAt)
      statuses.push(status)
      if (status >= 500) process.stderr.write(`${act}: ${status} ${body}\n`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  const countOf = (hundreds: number) => statuses.filter((status) => Math.floor(status / 100) === hundreds).length
  const at = (share: number) => quantileOf(latencies, share).toFixed(0)
  const retried = (await retries(client)) - before
  const line = [act, atOnce, countOf(2), countOf(4), countOf(5), retried, at(0.5), at(0.99)].map(String)
  return { line, serverFaults: countOf(5) }
}

/** Statements and batches that the service has tried again. */
async function retries(client: Client): Promise<number> {
  const headers = { Authorization: `Bearer ${metricsToken}` }
  const { body } = await client.send({ method: 'GET', path: '/metrics', headers })
  const counted = body.matchAll(/^millrace_database_retries_total\{[^}]*\} (\d+)$/gm)
  return sumOf(Array.from(counted, ([, value]) => Number(value)))
}
