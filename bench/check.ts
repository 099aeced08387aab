import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { runVariable } from '../test/servers/protocol.ts'
import { startServers, type Servers } from '../test/servers/start.ts'
import { load } from './load.ts'
import { cpuMilliseconds } from './processes.ts'
import { serveActs, type ServeAct } from './serve-acts.ts'
import { servedDialects, startServeStage, type ServedDialect, type ServeStage } from './serve-subjects.ts'
import { statementsOfActs } from './statement-counts.ts'

const lanes = 8
const rounds = { least: 2, most: 5 }
/** Below this part of what an act may cost, its first rounds say enough. */
const clearShare = 0.9
const sliceSeconds = 0.25
const file = join(import.meta.dirname, 'expected.json')
/** `/proc` counts CPU time in hundredths of a second. */
const leastCpuMilliseconds = 50

/** What one request of `millrace serve` costs. */
interface Cost {
  /** SQL statements. */
  readonly statements: number
  /** CPU time of the process, in CPU times of the floor's for the same act in the same run. */
  readonly cpuOfFloor: number
}

interface Expected {
  /** What the share of the floor's CPU time may be above what is expected, as a part of that. */
  readonly spread: number
  readonly costs: Costs
}

type Costs = Partial<Record<ServedDialect, Readonly<Record<ServeAct, Cost>>>>

/**
 * Compares what each request costs with the numbers in the repository: statements exactly, CPU time within the spread.
 * Times are never compared: they belong to the machine. With `records` it writes the numbers instead.
 * @returns what is worse, in words
 */
export async function check({ records }: { readonly records: boolean }): Promise<readonly string[]> {
  const expected = JSON.parse(readFileSync(file, 'utf8')) as Expected
  const measured = await measureAll((dialect, act, cpuOfFloor) => {
    const known = expected.costs[dialect]?.[act]
    return !records && known !== undefined && cpuOfFloor < mostOf(known, expected) * clearShare
  })
  if (records) {
    writeFileSync(file, `${JSON.stringify({ ...expected, costs: { ...expected.costs, ...measured } }, null, 2)}\n`)
    return []
  }
  return worse(measured, expected)
}

/** Says of what an act has cost in the rounds so far whether that is enough to know. */
type IsClear = (dialect: ServedDialect, act: ServeAct, cpuOfFloor: number) => boolean

function mostOf({ cpuOfFloor }: Cost, { spread }: Expected): number {
  return cpuOfFloor * (1 + spread)
}

function worse(measured: Costs, expected: Expected): readonly string[] {
  const found: string[] = []
  for (const dialect of servedDialects) {
    for (const act of serveActs) {
      const cost = measured[dialect]?.[act]
      const known = expected.costs[dialect]?.[act]
      if (cost === undefined || known === undefined) continue
      const { statements, cpuOfFloor } = known
      const most = mostOf(known, expected)
      const line = `${dialect}, ${act}: ${cost.statements} statements (${statements}), ${cost.cpuOfFloor} times the floor's CPU time (${cpuOfFloor}, at most ${most.toFixed(2)})`
      process.stdout.write(`${line}\n`)
      if (cost.statements !== statements || cost.cpuOfFloor > most) found.push(line)
    }
  }
  return found
}

async function measureAll(isClear: IsClear): Promise<Costs> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  // PostgreSQL runs as another user when this is root.
  chmodSync(directory, 0o711)
  const runId = randomUUID()
  const wanted = servedDialects.filter((dialect) => dialect !== 'sqlite')
  const servers = await startServers(directory, runId, directory, wanted)
  process.env[runVariable] = runId
  const costs: Costs = {}
  try {
    // At once: one request costs the product and the floor as much CPU time, whoever else is at work.
    const measuring = servedDialects.map(async (dialect) => {
      const missing = missingServer(dialect, servers)
      if (missing === undefined) costs[dialect] = await measureDialect(dialect, { servers, directory, isClear })
      else process.stderr.write(`${dialect} is not measured: ${missing}\n`)
    })
    await Promise.all(measuring)
  } finally {
    await servers.stop()
  }
  return costs
}

function missingServer(dialect: ServedDialect, { started }: Servers): string | undefined {
  if (dialect === 'sqlite') return undefined
  const server = started[dialect]
  return 'missing' in server ? server.missing : undefined
}

async function measureDialect(
  dialect: ServedDialect,
  { servers, directory, isClear }: { readonly servers: Servers; readonly directory: string; readonly isClear: IsClear },
): Promise<Readonly<Record<ServeAct, Cost>>> {
  const stage = await startServeStage(dialect, { servers: servers.started, directory, lanes })
  try {
    const statements = await statementsOfActs(stage, directory)
    const cpu = await cpuOfFloor(stage, (act, ofFloor) => isClear(dialect, act, ofFloor))
    const costOf = (act: ServeAct): Cost => ({ statements: statements[act], cpuOfFloor: cpu[act] })
    return {
      read: costOf('read'),
      list: costOf('list'),
      history: costOf('history'),
      create: costOf('create'),
      update: costOf('update'),
    }
  } finally {
    await stage.stop()
  }
}

/** Product and floor take turns, so that what else the machine does meets both alike. */
async function cpuOfFloor(
  { subjects, world }: ServeStage,
  isClear: (act: ServeAct, ofFloor: number) => boolean,
): Promise<Readonly<Record<ServeAct, number>>> {
  const ofFloor: Record<ServeAct, number> = { read: 0, list: 0, history: 0, create: 0, update: 0 }
  for (const act of serveActs) {
    const used = { product: { cpu: 0, requests: 0 }, floor: { cpu: 0, requests: 0 } }
    for (let round = -1; round < rounds.most; round += 1) {
      for (const name of ['product', 'floor'] as const) {
        const before = cpuMilliseconds(subjects[name].processId)
        const turn = (client: ServeStage['subjects']['product']['client'], lane: number) =>
          world.turn(act, client, lane)
        const { requests } = await load(subjects[name].client, { lanes, seconds: sliceSeconds }, turn)
        // Round -1 warms up.
        if (round < 0) continue
        used[name].cpu += cpuMilliseconds(subjects[name].processId) - before
        used[name].requests += requests
      }
      const { product, floor } = used
      ofFloor[act] = Number((product.cpu / product.requests / (floor.cpu / floor.requests)).toFixed(2))
      const isEnough = round + 1 >= rounds.least && floor.cpu >= leastCpuMilliseconds
      if (isEnough && isClear(act, ofFloor[act])) break
    }
    if (used.floor.cpu < leastCpuMilliseconds) throw new Error(`${act}: too little CPU time was used to compare`)
  }
  return ofFloor
}
