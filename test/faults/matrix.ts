import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseError } from '@millrace/db/sql/errors'
import { actorNames, type ActorName } from '../serial/actor.ts'
import { keyOf, outcomeOf, type Outcome } from '../serial/outcome.ts'
import { begin, probe, type Theatre } from '../serial/run.ts'
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

/** What others write meanwhile. */
interface Others {
  /** Between the first fault and what follows it. */
  readonly other?: Write | undefined
  /** When the write has been answered, and before what was held back arrives. */
  readonly afterwards?: Write | undefined
}

/** A write whose trips are lost, and what others write meanwhile. */
export interface LostTrips extends Others {
  readonly fault: TripFault
  readonly write: Write
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
  const judge = await judgeOf(theatre, write, { other })
  const { trips } = await runFaulty(theatre, write, {}, [])
  const firsts = sample(planned(write, 1, trips), mostFirsts, `${seed} ${write.name}`)
  const cases: (readonly PlannedFault[])[] = []
  for (const first of firsts) {
    const { trips: then } = await runFaulty(theatre, write, {}, [first])
    cases.push(
      [first],
      ...planned(write, first.trip + 1, Math.min(then, first.trip + reach)).map((second) => [first, second]),
    )
  }
  const chosen = sample(cases, mostRuns, `${seed} ${write.name}`)
  const violations: FaultViolation[] = []
  for (const faults of chosen) {
    const { isMet, ...end } = await runFaulty(theatre, write, { other }, faults)
    if (isMet && !judge.isAllowed(end)) {
      const { outcome } = end
      violations.push({ case: caseOf(write, { other }, faults), outcome, allowed: judge.outcomes })
    }
  }
  return { runs: chosen.length, possible: cases.length, violations }
}

/** Sends a write and loses each of its trips in turn; with what others write meanwhile, and without. */
export async function runLostTrips(
  theatre: Theatre,
  { fault, write, ...others }: LostTrips,
): Promise<readonly FaultViolation[]> {
  const judge = await judgeOf(theatre, write, others)
  const { trips } = await runFaulty(theatre, write, {}, [])
  const violations: FaultViolation[] = []
  for (let trip = 1; trip <= trips; trip += 1) {
    const planning = { trip, fault }
    const { isMet, ...end } = await runFaulty(theatre, write, others, [planning])
    if (isMet && !judge.isAllowed(end)) {
      const { outcome } = end
      violations.push({ case: caseOf(write, others, [planning]), outcome, allowed: judge.outcomes })
    }
  }
  return violations
}

function planned(write: Write, from: number, to: number): readonly PlannedFault[] {
  const numbers = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index)
  const faults = tripFaults.filter((fault) => fault !== 'delayed' || !isMoreWhenLate(write))
  return numbers.flatMap((trip) => faults.map((fault) => ({ trip, fault })))
}

/** What a claim without a key takes when it arrives behind its second attempt is taken beside it: docs/writes.md. */
function isMoreWhenLate({ name }: Write): boolean {
  return ['claim', 'claim five', 'claim by an API key'].includes(name)
}

function caseOf(write: Write, { other, afterwards }: Others, faults: readonly PlannedFault[]): string {
  const met = faults.map(({ trip, fault }) => `${fault} of trip ${trip}`).join(', then ')
  const between = other === undefined ? '' : `; ${other.name} in between`
  return `${write.name}: ${met}${between}${afterwards === undefined ? '' : `; ${afterwards.name} behind its answer`}`
}

interface End {
  readonly outcome: Outcome
  /** Without the answers: ids are told apart by where they stand, and whoever is not told has seen none. */
  readonly rows: string
}

interface Ran extends End {
  readonly trips: number
  /** Whether every fault found its trip. */
  readonly isMet: boolean
}

const blockedMilliseconds = 100

async function runFaulty(
  theatre: Theatre,
  write: Write,
  { other, afterwards }: Others,
  faults: readonly PlannedFault[],
): Promise<Ran> {
  const { stage, world } = theatre
  await begin(theatre)
  let others: Promise<Answered> | undefined
  const request: FaultyRequest = {
    faults,
    trips: 0,
    met: 0,
    late: [],
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
  if (afterwards !== undefined) answers.set('c', await afterwards.act(stage, world))
  // The database may refuse it by now, or break on it: nobody hears of that.
  for (const arrive of request.late) await arrive().catch(() => undefined)
  return { ...(await endOf(theatre, answers)), trips: request.trips, isMet: request.met === faults.length }
}

async function endOf({ stage, baseline }: Theatre, answers: ReadonlyMap<ActorName, Answered>): Promise<End> {
  const rows = await stage.ground.rows()
  const probes = new Map<ActorName, string>()
  for (const [name, given] of answers) probes.set(name, await probe(stage, given))
  const outcome = await outcomeOf({ answers, probes, rows }, baseline)
  const alone = await outcomeOf({ answers: new Map(), probes: new Map(), rows }, baseline)
  return { outcome, rows: keyOf(alone) }
}

interface Judge {
  readonly outcomes: readonly Outcome[]
  isAllowed(end: End): boolean
}

async function judgeOf(theatre: Theatre, write: Write, { other, afterwards }: Others): Promise<Judge> {
  const isAlone = other === undefined && afterwards === undefined
  const orders = other === undefined ? ['ac'] : ['abc', 'bac']
  const cast: Cast = { a: write, b: other, c: afterwards }
  const told: End[] = []
  for (const order of orders) told.push(await inTurn(theatre, cast, order))
  // Not told whether it was done: it may never be, or be when it arrives at last.
  const untold = [await inTurn(theatre, cast, 'bc')]
  if (afterwards !== undefined) untold.push(await inTurn(theatre, cast, 'bca'))
  const exact = new Set(told.map(({ outcome }) => toldKey(outcome, isAlone)))
  const left = new Set([...told, ...untold].map(({ rows }) => rows))
  return {
    outcomes: told.map(({ outcome }) => outcome),
    isAllowed({ outcome, rows }) {
      // Not told whether it was done, or leaves what is held to its next run: either will do.
      if (write.isRunAgain === true || /^5\d\d/.test(outcome.answers.a ?? '')) return left.has(rows)
      return exact.has(toldKey(outcome, isAlone))
    },
  }
}

type Cast = Readonly<Partial<Record<ActorName, Write | undefined>>>

/** Runs those of the cast that there are, one after the other. */
async function inTurn(theatre: Theatre, cast: Cast, order: string): Promise<End> {
  const { stage, world } = theatre
  await begin(theatre)
  const answers = new Map<ActorName, Answered>()
  const sent = actorNames.filter((name) => order.includes(name)).toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
  for (const name of sent) {
    const answer = await cast[name]?.act(stage, world)
    if (answer !== undefined) answers.set(name, answer)
  }
  for (const name of sent) if (cast[name]?.isRunAgain === true) await cast[name].act(stage, world)
  return endOf(theatre, answers)
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
