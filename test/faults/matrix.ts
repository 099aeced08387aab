import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseError } from '@millrace/db/sql/errors'
import type { ActorName, Grain } from '../serial/actor.ts'
import { keyOf, outcomeOf, type Outcome } from '../serial/outcome.ts'
import { begin, probe, run, type Theatre } from '../serial/run.ts'
import { readSchedule } from '../serial/schedule.ts'
import { sample } from '../serial/explore.ts'
import type { Answered } from '../serial/stage.ts'
import type { Write } from '../serial/write.ts'
import {
  tripFaults,
  withFaults,
  withoutFaults,
  type FaultyRequest,
  type PlannedFault,
  type TripFault,
} from './trip-faults.ts'

/** A run that left what no undisturbed one leaves, or told another thing than it did. */
export interface FaultViolation {
  readonly case: string
  readonly outcome: Outcome
  readonly allowed: readonly Outcome[]
}

export interface Matrix {
  readonly runs: number
  readonly possible: number
  readonly violations: readonly FaultViolation[]
}

/** A write whose trips are lost, and the one that comes in between. */
export interface LostTrips {
  readonly fault: TripFault
  readonly write: Write
  readonly other?: Write | undefined
}

interface Bound {
  /** At most so many runs of a write, chosen by the seed. */
  readonly mostRuns: number
  /** Of the faults that come first at most so many; all unless given. What may follow each takes a run to know. */
  readonly mostFirsts?: number | undefined
  readonly seed: number
}

/** How far behind the first fault the second one may be: look-ups and retries come right after it. */
const reach = 5

/**
 * Sends a write again and again, and lets each of its trips meet each fault, then each of the trips that follow as well;
 * with another client's write in between and without. Whatever was lost, the write happened once or not at all: as often
 * as the answer says, and wholly.
 */
export async function runMatrix(
  theatre: Theatre,
  write: Write,
  other: Write | undefined,
  { mostRuns, mostFirsts = Number.POSITIVE_INFINITY, seed }: Bound,
): Promise<Matrix> {
  const judge = await judgeOf(theatre, write, other)
  const { trips } = await runFaulty(theatre, write, undefined, [])
  const firsts = sample(planned(1, trips), mostFirsts, `${seed} ${write.name}`)
  const cases: (readonly PlannedFault[])[] = []
  for (const first of firsts) {
    const { trips: then } = await runFaulty(theatre, write, undefined, [first])
    cases.push([first], ...planned(first.trip + 1, Math.min(then, first.trip + reach)).map((second) => [first, second]))
  }
  const chosen = sample(cases, mostRuns, `${seed} ${write.name}`)
  const violations: FaultViolation[] = []
  for (const faults of chosen) {
    const { outcome, isMet } = await runFaulty(theatre, write, other, faults)
    if (isMet && !judge.isAllowed(outcome)) {
      violations.push({ case: caseOf(write, other, faults), outcome, allowed: judge.outcomes })
    }
  }
  return { runs: chosen.length, possible: cases.length, violations }
}

/**
 * Sends a write and loses each of its trips in turn; with another client's write between the loss and what follows it,
 * and without.
 */
export async function runLostTrips(
  theatre: Theatre,
  { fault, write, other }: LostTrips,
): Promise<readonly FaultViolation[]> {
  const judge = await judgeOf(theatre, write, other)
  const { trips } = await runFaulty(theatre, write, undefined, [])
  const violations: FaultViolation[] = []
  for (const planning of planned(1, trips).filter((one) => one.fault === fault)) {
    const { outcome, isMet } = await runFaulty(theatre, write, other, [planning])
    if (isMet && !judge.isAllowed(outcome)) {
      violations.push({ case: caseOf(write, other, [planning]), outcome, allowed: judge.outcomes })
    }
  }
  return violations
}

function planned(from: number, to: number): readonly PlannedFault[] {
  const numbers = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
  return numbers.flatMap((trip) => tripFaults.map((fault) => ({ trip, fault })))
}

function caseOf(write: Write, other: Write | undefined, faults: readonly PlannedFault[]): string {
  const met = faults.map(({ trip, fault }) => `${fault} of trip ${trip}`).join(', then ')
  return `${write.name}: ${met}${other === undefined ? '' : `; ${other.name} in between`}`
}

interface Ran {
  readonly outcome: Outcome
  readonly trips: number
  /** Whether every fault found its trip. */
  readonly isMet: boolean
}

const blockedMilliseconds = 100

async function runFaulty(
  theatre: Theatre,
  write: Write,
  other: Write | undefined,
  faults: readonly PlannedFault[],
): Promise<Ran> {
  const { stage, world, baseline } = theatre
  await begin(theatre)
  let others: Promise<Answered> | undefined
  const request: FaultyRequest = {
    faults,
    trips: 0,
    met: 0,
    // It may wait for a lock of the transaction that has just lost its client.
    atFirstFault: async () => {
      if (other === undefined) return
      others = withoutFaults(() => other.act(stage, world))
      await Promise.race([others, delay(blockedMilliseconds)])
    },
  }
  const answer = await withFaults(request, () => write.act(stage, world)).catch((error: unknown): Answered => {
    if (!(error instanceof DatabaseError)) throw error
    // A job sends nothing again whose answer was lost. It has done its work, or leaves all of it to its next run.
    return { status: 503, headers: new Headers(), body: '' }
  })
  const answers = new Map<ActorName, Answered>([['a', answer]])
  if (others !== undefined) answers.set('b', await others)
  const rows = await stage.ground.rows()
  const probes = new Map<ActorName, string>()
  for (const [name, given] of answers) probes.set(name, await probe(stage, given))
  const outcome = await outcomeOf({ answers, probes, rows }, baseline)
  return { outcome, trips: request.trips, isMet: request.met === faults.length }
}

interface Judge {
  readonly outcomes: readonly Outcome[]
  isAllowed(outcome: Outcome): boolean
}

const grain: Grain = 'trip'

async function judgeOf(theatre: Theatre, write: Write, other: Write | undefined): Promise<Judge> {
  const together = other === undefined ? [write] : [write, other]
  const orders = other === undefined ? ['a'] : ['ab', 'ba']
  const outcomes: Outcome[] = []
  for (const order of orders) {
    outcomes.push((await run(theatre, together, readSchedule(order), grain)).outcome)
  }
  const without = other === undefined ? { answers: {}, gone: [], come: [] } : await alone(theatre, other)
  const exact = new Set(outcomes.map((outcome) => toldKey(outcome, other === undefined)))
  const rows = new Set([...outcomes, without].map(rowsKey))
  return {
    outcomes,
    isAllowed(outcome) {
      // Not told whether it was done, or leaves what is held to its next run: either will do.
      if (write.isRunAgain === true || /^5\d\d/.test(outcome.answers.a ?? '')) return rows.has(rowsKey(outcome))
      return exact.has(toldKey(outcome, other === undefined))
    },
  }
}

async function alone(theatre: Theatre, other: Write): Promise<Outcome> {
  const { outcome } = await run(theatre, [other], readSchedule('a'), grain)
  return outcome
}

function rowsKey({ gone, come }: Outcome): string {
  return keyOf({ answers: {}, gone, come })
}

/**
 * An answer that is given after a look-up shows the thing as it is then, which another may have changed: where there is
 * another, its status counts.
 */
function toldKey({ answers, gone, come }: Outcome, isExact: boolean): string {
  if (isExact) return keyOf({ answers: { a: answers.a ?? '' }, gone, come })
  const statuses = { a: (answers.a ?? '').slice(0, 3), b: (answers.b ?? '').slice(0, 3) }
  return keyOf({ answers: statuses, gone, come })
}
