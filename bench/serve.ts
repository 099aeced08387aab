/**
 * `node bench/serve.ts [--dialect sqlite,postgres] [--act read,list,history,create,update] [--rounds 4] [--seconds 3]
 * [--profile DIR] [--directus]`: `millrace serve`, one process, beside a floor (bench/serve-floor.ts) in one run: one process of Node
 * that sends the same SQL through the same driver. Each in turn under eight connections; ratios count, times belong to the
 * machine. With `--profile` the product's CPU profile is written there, of all the acts that are measured. With
 * `--directus` Directus on SQLite takes its turns beside the two of SQLite, installed on first use into a folder that git
 * ignores.
 */
import { chmodSync, mkdtempSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runVariable } from '../test/servers/protocol.ts'
import { startServers } from '../test/servers/start.ts'
import type { Client, Received } from './load.ts'
import { startDirectus } from './peers/directus.ts'
import { serveActs, type ServeAct } from './serve-acts.ts'
import { servedDialects, startServeStage, type ServedDialect, type ServeStage } from './serve-subjects.ts'
import { medianOf } from './statistics.ts'
import { ratiosOf, takeTurns, type Contender, type Measured } from './turns.ts'

const lanes = 8

const { values } = parseArgs({
  options: {
    dialect: { type: 'string', default: servedDialects.join(',') },
    act: { type: 'string', default: serveActs.join(',') },
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '3' },
    profile: { type: 'string' },
    directus: { type: 'boolean', default: false },
  },
})
const wanted = servedDialects.filter((dialect) => values.dialect.split(',').includes(dialect))
const acts = serveActs.filter((act) => values.act.split(',').includes(act))
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
// PostgreSQL runs as another user when this is root.
chmodSync(directory, 0o711)
const runId = randomUUID()
const servers = await startServers(directory, runId)
process.env[runVariable] = runId
try {
  for (const dialect of wanted) await compare(dialect)
} finally {
  await servers.stop()
}

async function compare(dialect: ServedDialect): Promise<void> {
  const profileDirectory = values.profile
  const stage = await startServeStage(dialect, { servers: servers.started, directory, lanes, profileDirectory })
  try {
    const directus = values.directus && dialect === 'sqlite' ? await startDirectus(directory, lanes) : undefined
    try {
      const peers = directus === undefined ? [] : [{ ...directus, name: 'Directus', processIds: [directus.processId] }]
      await report(dialect, [...subjectsOf(stage), ...peers])
    } finally {
      await directus?.stop()
    }
  } finally {
    await stage.stop()
  }
}

interface Subject extends Contender {
  readonly name: string
  turn(act: ServeAct, client: Client, lane: number): Promise<Received>
}

function subjectsOf({ subjects: { product, floor }, world }: ServeStage): readonly Subject[] {
  const turn: Subject['turn'] = (act, client, lane) => world.turn(act, client, lane)
  return [
    { name: 'serve', client: product.client, processIds: [product.processId], turn },
    { name: 'floor', client: floor.client, processIds: [floor.processId], turn },
  ]
}

async function report(dialect: ServedDialect, subjects: readonly Subject[]): Promise<void> {
  const machine = `${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`
  process.stdout.write(`\n${dialect}, ${lanes} connections, ${rounds} rounds of ${seconds} s (${machine})\n`)
  const others = subjects.slice(1).map(({ name }) => name)
  const head = [
    '',
    ...subjects.map(({ name }) => `${name}/s`),
    ...others.map((name) => `serve to ${name} (each round)`),
    ...subjects.map(({ name }) => `CPU ms: ${name}`),
    ...others.map((name) => `${name} to serve`),
  ]
  process.stdout.write(`| ${head.join(' | ')} |\n|---|${'--:|'.repeat(head.length - 1)}\n`)
  for (const act of acts) process.stdout.write(`| ${(await measure(subjects, act)).join(' | ')} |\n`)
}

async function measure(subjects: readonly Subject[], act: ServeAct): Promise<readonly string[]> {
  const turn = (subject: Subject, client: Client, lane: number) => subject.turn(act, client, lane)
  return rowOf(act, await takeTurns(subjects, turn, { lanes, rounds, seconds }))
}

function rowOf(act: ServeAct, [product, ...others]: readonly Measured<Subject>[]): readonly string[] {
  if (product === undefined) throw new Error('there is nothing to measure')
  const all = [product, ...others]
  return [
    act,
    ...all.map(({ rates }) => medianOf(rates).toFixed(0)),
    ...others.map((other) =>
      ratiosOf(product, other)
        .map((ratio) => ratio.toFixed(2))
        .join(' '),
    ),
    ...all.map(({ milliseconds }) => milliseconds.toFixed(2)),
    ...others.map(({ milliseconds }) => (milliseconds / product.milliseconds).toFixed(2)),
  ]
}
