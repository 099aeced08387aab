import { acts, type Act } from './floor-contract.ts'
import type { World } from './acts.ts'
import { load, type Slice } from './load.ts'
import { cpuMilliseconds } from './processes.ts'
import { subjectNames, type Stage, type SubjectName } from './subjects.ts'

/** Requests at once: enough to keep two processors busy, and one for the time that a request takes by itself. */
export const lanes = { throughput: 8, latency: 1 } as const
type Load = keyof typeof lanes

const warmUpSeconds = 0.5

/** The processes that a request goes through. */
export const layers = ['function', 'gateway', 'database', 'client'] as const
export type Layer = (typeof layers)[number]

/** All slices of one act on definitions of one size, in the order of the rounds. */
export interface Cell {
  readonly act: Act
  readonly bytes: number
  readonly slices: Readonly<Record<Load, Readonly<Record<SubjectName, Slice[]>>>>
  /** CPU time of all of its throughput slices. */
  readonly cpu: Readonly<Record<SubjectName, Record<Layer, number>>>
}

export interface Plan {
  readonly rounds: number
  /** Of one slice under full load; alone it is half as long. */
  readonly sliceSeconds: number
}

/** Measures product and floor in turns: slice by slice, and the other one first in every second round. */
export async function measure(stage: Stage, worlds: readonly World[], plan: Plan): Promise<readonly Cell[]> {
  const pairs = worlds.flatMap((world) => acts.map((act) => ({ world, cell: emptyCell(act, world.bytes) })))
  for (let round = -1; round < plan.rounds; round += 1) {
    for (const { world, cell } of rotated(pairs, round)) {
      const names = round % 2 === 0 ? subjectNames : subjectNames.toReversed()
      // Round -1 warms up: engines compile what has run often enough.
      if (round < 0) for (const name of names) await slice(stage, world, cell.act, name, 'throughput', warmUpSeconds)
      else await measureCell(stage, world, cell, names, plan.sliceSeconds)
    }
  }
  return pairs.map(({ cell }) => cell)
}

async function measureCell(
  stage: Stage,
  world: World,
  cell: Cell,
  names: readonly SubjectName[],
  seconds: number,
): Promise<void> {
  for (const name of names) {
    const before = cpuByLayer(stage, name)
    cell.slices.throughput[name].push(await slice(stage, world, cell.act, name, 'throughput', seconds))
    const after = cpuByLayer(stage, name)
    for (const layer of layers) cell.cpu[name][layer] += after[layer] - before[layer]
  }
  for (const name of names) {
    cell.slices.latency[name].push(await slice(stage, world, cell.act, name, 'latency', seconds / 2))
  }
}

function slice(
  { subjects }: Stage,
  world: World,
  act: Act,
  name: SubjectName,
  kind: Load,
  seconds: number,
): Promise<Slice> {
  return load(subjects[name].client, { lanes: lanes[kind], seconds }, (client, lane) => world.turn(act, client, lane))
}

function cpuByLayer(
  { subjects, gatewayProcessId, databaseProcessId }: Stage,
  name: SubjectName,
): Record<Layer, number> {
  const { user, system } = process.cpuUsage()
  return {
    function: cpuMilliseconds(subjects[name].processId),
    gateway: cpuMilliseconds(gatewayProcessId),
    database: databaseProcessId === undefined ? 0 : cpuMilliseconds(databaseProcessId),
    client: (user + system) / 1000,
  }
}

function emptyCell(act: Act, bytes: number): Cell {
  return {
    act,
    bytes,
    slices: { throughput: { product: [], floor: [] }, latency: { product: [], floor: [] } },
    cpu: { product: noTime(), floor: noTime() },
  }
}

function noTime(): Record<Layer, number> {
  return { function: 0, gateway: 0, database: 0, client: 0 }
}

function rotated<Item>(items: readonly Item[], by: number): readonly Item[] {
  const start = (by + items.length) % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}
