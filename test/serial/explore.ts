import { actorNames, type ActorName, type Grain } from './actor.ts'
import { keyOf, type Outcome } from './outcome.ts'
import { nameOf } from './pairs.ts'
import { run, type Run, type Theatre } from './run.ts'
import { interleavings, serialSchedules, writeSchedule, type Schedule, type Step } from './schedule.ts'
import type { Write } from './write.ts'

export interface Bound {
  readonly grain: Grain
  /** How often the turn may change. */
  readonly mostChanges: number
  /** At most so many schedules of each pair, chosen by the seed where there are more. */
  readonly mostSchedules: number
  readonly seed: string
}

/** A schedule whose outcome no serial order has. */
export interface Violation {
  readonly writes: string
  readonly schedule: string
  readonly grain: Grain
  readonly trace: readonly Step[]
  readonly outcome: Outcome
  readonly serial: readonly Outcome[]
}

export interface Explored {
  readonly schedules: number
  /** How many there are below the bound of changes. */
  readonly possible: number
  /** Writes that took no step by themselves: nothing was held against them. */
  readonly unstepped: readonly string[]
  readonly violations: readonly Violation[]
}

/** Runs writes in their serial orders, then in the orders between, and holds each outcome against the serial ones. */
export async function explore(theatre: Theatre, together: readonly Write[], bound: Bound): Promise<Explored> {
  const judge = await judgeOf(theatre, together, bound.grain)
  const all = interleavings(judge.names, judge.lengths, bound.mostChanges).filter(
    (schedule) => !judge.isRepeated(schedule),
  )
  const chosen = sample(all, bound.mostSchedules, `${bound.seed} ${nameOf(together)}`)
  const violations: Violation[] = []
  for (const schedule of chosen) {
    const violation = await judge.violationOf(schedule)
    if (violation !== undefined) violations.push(violation)
  }
  const unstepped = together.filter((_, index) => (judge.lengths[judge.names[index] ?? 'a'] ?? 0) === 0)
  return { schedules: chosen.length, possible: all.length, unstepped: unstepped.map(({ name }) => name), violations }
}

/** Runs one schedule, with the serial ones to hold it against: only the first of them where that is its outcome. */
export async function replay(
  theatre: Theatre,
  together: readonly Write[],
  schedule: Schedule,
  grain: Grain,
): Promise<Violation | undefined> {
  if (await isLikeFirst(theatre, together, schedule, grain)) return undefined
  const judge = await judgeOf(theatre, together, grain)
  return judge.violationOf(schedule)
}

async function isLikeFirst(
  theatre: Theatre,
  together: readonly Write[],
  schedule: Schedule,
  grain: Grain,
): Promise<boolean> {
  const [first] = serialSchedules(actorNames.slice(0, together.length))
  if (first === undefined) return false
  const serial = await withinTime(() => run(theatre, together, first, grain))
  const patience = 2 * serial.trace.length + 2
  const { outcome } = await withinTime(() => run(theatre, together, schedule, grain, patience))
  return keyOf(outcome) === keyOf(serial.outcome)
}

interface Judge {
  readonly names: readonly ActorName[]
  /** The most steps that each took in a serial order. */
  readonly lengths: Readonly<Partial<Record<ActorName, number>>>
  /** Whether a turn of it ends with BEGIN, which takes no snapshot and no lock: ending before it is the same. */
  isRepeated(schedule: Schedule): boolean
  violationOf(schedule: Schedule): Promise<Violation | undefined>
}

async function judgeOf(theatre: Theatre, together: readonly Write[], grain: Grain): Promise<Judge> {
  const names = actorNames.slice(0, together.length)
  const serial: Run[] = []
  for (const schedule of serialSchedules(names)) {
    serial.push(await withinTime(() => run(theatre, together, schedule, grain)))
  }
  const allowed = new Set(serial.map(({ outcome }) => keyOf(outcome)))
  const lengths = Object.fromEntries(
    names.map((name) => [
      name,
      Math.max(...serial.map(({ trace }) => trace.filter(({ actor }) => actor === name).length)),
    ]),
  )
  const patience = 2 * Math.max(...Object.values(lengths)) + 2
  return {
    names,
    lengths,
    isRepeated(schedule) {
      const taken = new Map<ActorName, number>()
      return schedule.some(({ actor, steps }) => {
        if (steps === undefined) return false
        const end = (taken.get(actor) ?? 0) + steps
        taken.set(actor, end)
        return serial.every(({ trace }) => trace.filter((step) => step.actor === actor)[end - 1]?.label === 'begin')
      })
    },
    async violationOf(schedule) {
      const { outcome, trace } = await withinTime(() => run(theatre, together, schedule, grain, patience))
      if (allowed.has(keyOf(outcome))) return undefined
      if (await isWithoutThoseInProgress(theatre, { together, names, outcome, grain })) return undefined
      return {
        writes: nameOf(together),
        schedule: writeSchedule(schedule),
        grain,
        trace,
        outcome,
        serial: serial.map(({ outcome: other }) => other),
      }
    },
  }
}

const mostRuns = 3

/** A limit of time that a busy machine has met says nothing about the order, so such a run is made again. */
async function withinTime(once: () => Promise<Run>): Promise<Run> {
  for (let made = 1; ; made += 1) {
    const result = await once()
    const isLate = Object.values(result.outcome.answers).some((answer) => /database_(timeout|unreachable)/.test(answer))
    if (!isLate || made === mostRuns) return result
  }
}

interface Judged {
  readonly together: readonly Write[]
  readonly names: readonly ActorName[]
  readonly outcome: Outcome
  readonly grain: Grain
}

/** Of two with one key, one may be told 409 `idempotency_in_progress`: then it has done nothing. */
async function isWithoutThoseInProgress(
  theatre: Theatre,
  { together, names, outcome, grain }: Judged,
): Promise<boolean> {
  const told = names.filter((name) => outcome.answers[name]?.includes('idempotency_in_progress') === true)
  if (told.length === 0 || told.length === names.length) return false
  const others = names.filter((name) => !told.includes(name))
  const left = together.filter((_, index) => others.includes(names[index] ?? 'a'))
  for (const schedule of serialSchedules(actorNames.slice(0, left.length))) {
    const { outcome: alone } = await run(theatre, left, schedule, grain)
    const answers = Object.fromEntries(others.map((name, index) => [name, alone.answers[actorNames[index] ?? 'a']]))
    const seen = Object.fromEntries(others.map((name) => [name, outcome.answers[name]]))
    if (keyOf({ ...alone, answers }) === keyOf({ ...outcome, answers: seen })) return true
  }
  return false
}

/** So many of a list, the same for the same seed, in the list's order. */
export function sample<Item>(items: readonly Item[], most: number, seed: string): readonly Item[] {
  if (items.length <= most) return items
  const random = seeded(seed)
  const drawn = items.map((item, index) => ({ item, index, at: random() })).toSorted((x, y) => x.at - y.at)
  return drawn
    .slice(0, most)
    .toSorted((x, y) => x.index - y.index)
    .map(({ item }) => item)
}

export interface Part {
  /** From 1. */
  readonly part: number
  readonly parts: number
}

/**
 * Reads `K/N`, such as `1/3` for the first of three parts.
 *
 * @throws Error unless K is from 1 to N
 */
export function readPart(text: string): Part {
  const [, part = 0, parts = 0] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? []
  if (part < 1 || part > parts) throw new Error(`there is no part ${text}: write 1/3 for the first of three`)
  return { part, parts }
}

/** Every Nth item from the Kth on, so that the parts take about as long as each other. */
export function partOf<Item>(items: readonly Item[], { part, parts }: Part): readonly Item[] {
  return items.filter((_item, at) => at % parts === part - 1)
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32 over FNV-1a). */
export function seeded(seed: string): () => number {
  let state = 2_166_136_261
  for (const character of seed) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16_777_619)
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
