import { load, type Client, type Received } from './load.ts'
import { cpuMilliseconds } from './processes.ts'

/** What takes turns with others. */
export interface Contender {
  readonly client: Client
  /** Those that work for it. */
  readonly processIds: readonly number[]
}

/** What all turns of one gave. */
export interface Measured<Subject> {
  readonly subject: Subject
  /** Requests per second of each round. */
  readonly rates: readonly number[]
  /** CPU time of a request. */
  readonly milliseconds: number
}

export interface Turns {
  /** Requests at once. */
  readonly lanes: number
  readonly rounds: number
  /** Of a turn. */
  readonly seconds: number
}

/** Loads each in turn, in the other order in every second round, after a second in which each warms up. */
export async function takeTurns<Subject extends Contender>(
  subjects: readonly Subject[],
  turn: (subject: Subject, client: Client, lane: number) => Promise<Received>,
  { lanes, rounds, seconds }: Turns,
): Promise<readonly Measured<Subject>[]> {
  const slice = (subject: Subject, time: number) =>
    load(subject.client, { lanes, seconds: time }, (client, lane) => turn(subject, client, lane))
  for (const subject of subjects) await slice(subject, 1)
  const all = subjects.map((subject) => ({ subject, rates: new Array<number>(), requests: 0, cpu: 0 }))
  for (let round = 0; round < rounds; round += 1) {
    for (const one of round % 2 === 0 ? all : all.toReversed()) {
      const before = cpuOf(one.subject)
      const { requests, seconds: taken } = await slice(one.subject, seconds)
      one.rates.push(requests / taken)
      one.requests += requests
      one.cpu += cpuOf(one.subject) - before
    }
  }
  return all.map(({ subject, rates, requests, cpu }) => ({ subject, rates, milliseconds: cpu / requests }))
}

/** How many times as many requests as the other, round by round. */
export function ratiosOf<Subject>(one: Measured<Subject>, other: Measured<Subject>): readonly number[] {
  return one.rates.map((rate, round) => rate / (other.rates[round] ?? Number.NaN))
}

function cpuOf({ processIds }: Contender): number {
  return processIds.reduce((sum, id) => sum + cpuMilliseconds(id), 0)
}
