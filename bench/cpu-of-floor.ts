import type { Client } from './load.ts'
import { costOf, isClearlyBelow } from './costs.ts'
import { threadMilliseconds } from './processes.ts'
import { serveActs, type ServeAct } from './serve-acts.ts'
import type { ServeStage } from './serve-subjects.ts'

/** Requests at once. */
export const lanes = 8
/** Of one turn, so short that what else the machine does meets product and floor alike. */
const requestsPerLane = 8
const pairs = { least: 12, most: 36 }
/** V8 compiles for the first thousands of requests, the product longer than the floor. */
const warmUpTurns = 12

/** The most that an act may cost; undefined: measured as long as it may take. */
type MostOf = (act: ServeAct) => number | undefined

/**
 * CPU time of a request, in times of the floor's. Both take turns of 64 requests; the median of all pairs of turns counts.
 * An act is measured until it is clearly below its limit, and else as long as it may take.
 */
export async function measureCpuOfFloor(
  stage: ServeStage,
  mostOf: MostOf,
): Promise<Readonly<Record<ServeAct, number>>> {
  for (let turn = 0; turn < warmUpTurns; turn += 1) for (const act of serveActs) await takePair(stage, act, turn)
  const measured: Record<ServeAct, number> = { read: 0, list: 0, history: 0, create: 0, update: 0 }
  for (const act of serveActs) {
    const most = mostOf(act)
    const ratios: number[] = []
    while (ratios.length < pairs.most) {
      ratios.push(await takePair(stage, act, ratios.length))
      if (ratios.length >= pairs.least && most !== undefined && isClearlyBelow(ratios, most)) break
    }
    measured[act] = costOf(ratios)
  }
  return measured
}

/** The one goes first in each second pair, the other in the others. */
async function takePair({ subjects, world }: ServeStage, act: ServeAct, number: number): Promise<number> {
  const used = { product: 0, floor: 0 }
  const names = ['product', 'floor'] as const
  for (const name of number % 2 === 0 ? names : names.toReversed()) {
    const { client, processId } = subjects[name]
    const before = threadMilliseconds(processId)
    await sendAll((lane) => world.turn(act, client, lane))
    used[name] = threadMilliseconds(processId) - before
  }
  return used.product / used.floor
}

async function sendAll(turn: (lane: number) => ReturnType<Client['send']>): Promise<void> {
  const oneLane = async (lane: number) => {
    for (let sent = 0; sent < requestsPerLane; sent += 1) {
      const { status, body } = await turn(lane)
      if (status < 200 || status > 299) throw new Error(`a request of the bench was answered ${status}: ${body}`)
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, lane) => oneLane(lane)))
}
