/**
 * `node bench/serve.ts [--dialect sqlite,postgres] [--act read,list,history,create,update] [--rounds 4] [--seconds 3]
 * [--profile DIR]`: `millrace serve`, one process, beside a floor (bench/serve-floor.ts) in one run: one process of Node
 * that sends the same SQL through the same driver. Each in turn under eight connections; ratios count, times belong to the
 * machine. With `--profile` the product's CPU profile is written there, of all the acts that are measured.
 */
import { chmodSync, mkdtempSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runVariable } from '../test/servers/protocol.ts'
import { startServers } from '../test/servers/start.ts'
import { load } from './load.ts'
import { cpuMilliseconds } from './processes.ts'
import { serveActs, type ServeAct } from './serve-acts.ts'
import { servedDialects, startServeStage, type ServedDialect, type ServeStage } from './serve-subjects.ts'
import { medianOf } from './statistics.ts'

const lanes = 8
const subjectNames = ['product', 'floor'] as const
type SubjectName = (typeof subjectNames)[number]

const { values } = parseArgs({
  options: {
    dialect: { type: 'string', default: servedDialects.join(',') },
    act: { type: 'string', default: serveActs.join(',') },
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '3' },
    profile: { type: 'string' },
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
    const machine = `${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}`
    process.stdout.write(`\n${dialect}, ${lanes} connections, ${rounds} rounds of ${seconds} s (${machine})\n`)
    const head = ['', 'serve/s', 'floor/s', 'ratio (each round)', 'CPU ms: serve', 'floor', 'floor of serve']
    process.stdout.write(`| ${head.join(' | ')} |\n|---|--:|--:|---|--:|--:|--:|\n`)
    for (const act of acts) process.stdout.write(`| ${(await measure(stage, act)).join(' | ')} |\n`)
  } finally {
    await stage.stop()
  }
}

interface Measured {
  readonly rates: number[]
  requests: number
  cpu: number
}

async function measure({ subjects, world }: ServeStage, act: ServeAct): Promise<readonly string[]> {
  const measured: Record<SubjectName, Measured> = {
    product: { rates: [], requests: 0, cpu: 0 },
    floor: { rates: [], requests: 0, cpu: 0 },
  }
  const slice = (name: SubjectName, sliceSeconds: number) =>
    load(subjects[name].client, { lanes, seconds: sliceSeconds }, (client, lane) => world.turn(act, client, lane))
  for (const name of subjectNames) await slice(name, 1)
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? subjectNames : subjectNames.toReversed()) {
      const before = cpuMilliseconds(subjects[name].processId)
      const { requests, seconds: taken } = await slice(name, seconds)
      measured[name].rates.push(requests / taken)
      measured[name].requests += requests
      measured[name].cpu += cpuMilliseconds(subjects[name].processId) - before
    }
  }
  const { product, floor } = measured
  const ratios = product.rates.map((rate, round) => (rate / (floor.rates[round] ?? 1)).toFixed(2))
  const cpu = { product: product.cpu / product.requests, floor: floor.cpu / floor.requests }
  return [
    act,
    medianOf(product.rates).toFixed(0),
    medianOf(floor.rates).toFixed(0),
    ratios.join(' '),
    cpu.product.toFixed(2),
    cpu.floor.toFixed(2),
    (cpu.floor / cpu.product).toFixed(2),
  ]
}
