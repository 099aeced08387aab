import { actorNames, type Actor, type ActorName, type Changes } from './actor.ts'

/** Whose turn it is, and for how many steps; without a count to its end. */
export interface Turn {
  readonly actor: ActorName
  readonly steps: number | undefined
}

/** Whose turn it is, one turn after the other; then each to its end, beginning with who was not the last. */
export type Schedule = readonly Turn[]

/** Written as `a3b2a`: three steps of a, two of b, then a to its end, then the others. */
export function writeSchedule(schedule: Schedule): string {
  return schedule.map(({ actor, steps }) => `${actor}${steps ?? ''}`).join('')
}

/** @throws when it is none. */
export function readSchedule(text: string): Schedule {
  if (!/^([abc]\d*)+$/.test(text)) throw new Error(`${text} is no schedule: it is written like a3b2a`)
  return [...text.matchAll(/([abc])(\d*)/g)].map(([, letter, count]) => ({
    actor: actorNames.find((name) => name === letter) ?? 'a',
    steps: count === '' ? undefined : Number(count),
  }))
}

/** One after the other, in every order: what the outcome of any other schedule has to equal. */
export function serialSchedules(names: readonly ActorName[]): readonly Schedule[] {
  return permutations(names).map((order) => order.map((actor) => ({ actor, steps: undefined })))
}

/**
 * Every schedule of two actors in which the turn changes at most `mostChanges` times. One change is a serial schedule,
 * so it takes two to interleave. (Most races need few changes: Musuvathi and Qadeer, "Iterative context bounding", 2007.)
 * @param lengths how many steps each takes by itself
 */
export function interleavings(
  names: readonly ActorName[],
  lengths: Readonly<Partial<Record<ActorName, number>>>,
  mostChanges: number,
): readonly Schedule[] {
  const found = names.flatMap((first) => extend([], first, { names, left: lengths, changes: mostChanges }))
  return found.filter((schedule) => schedule.length > names.length)
}

interface Left {
  readonly names: readonly ActorName[]
  readonly left: Readonly<Partial<Record<ActorName, number>>>
  readonly changes: number
}

function extend(before: Schedule, actor: ActorName, { names, left, changes }: Left): readonly Schedule[] {
  const own = left[actor] ?? 0
  const others = names.filter((name) => name !== actor && (left[name] ?? 0) > 0)
  const whole: Schedule = [...before, { actor, steps: undefined }]
  if (others.length === 0) return [whole]
  const ending =
    changes < 1
      ? []
      : others.flatMap((next) => extend(whole, next, { names, left: { ...left, [actor]: 0 }, changes: changes - 1 }))
  // What is left of this one takes a change back to it.
  if (changes < 2) return ending
  const parts = Array.from({ length: Math.max(0, own - 1) }, (_, index) => index + 1)
  const parted = parts.flatMap((steps) =>
    others.flatMap((next) =>
      extend([...before, { actor, steps }], next, {
        names,
        left: { ...left, [actor]: own - steps },
        changes: changes - 1,
      }),
    ),
  )
  return [...ending, ...parted]
}

function permutations(names: readonly ActorName[]): readonly (readonly ActorName[])[] {
  if (names.length <= 1) return [names]
  return names.flatMap((first) => permutations(names.filter((name) => name !== first)).map((rest) => [first, ...rest]))
}

/** What happened at one step. */
export interface Step {
  readonly actor: ActorName
  readonly label: string
  /** Whether it waited for a lock when the others went on. */
  waited: boolean
}

export interface Driving {
  readonly actors: readonly Actor[]
  readonly changes: Changes
  /** Whether the server says that this connection of its waits for a lock. */
  readonly isWaiting: (backend: number) => Promise<boolean>
  /** A turn to the end is over after so many steps: who asks again and again waits for another, in its own way. */
  readonly mostSteps: number
}

const lookMilliseconds = 3
const stuckMilliseconds = 30_000

/**
 * Drives actors through a schedule. Who waits for a lock, or is done, leaves its turn to the others, step by step, until
 * it can go on. Where all wait, the server has to find the deadlock.
 * @returns the steps in the order in which they were begun
 */
export async function drive(schedule: Schedule, driving: Driving): Promise<readonly Step[]> {
  const { actors } = driving
  const trace: Step[] = []
  const last = new Map<Actor, Step>()
  const rest = actors.map(({ name }): Turn => ({ actor: name, steps: undefined }))
  for (const { actor: name, steps = driving.mostSteps } of [...schedule, ...rest, ...rest.map(toTheEnd)]) {
    const actor = actors.find((candidate) => candidate.name === name)
    if (actor === undefined) throw new Error(`the schedule has an actor ${name}, the run has none`)
    for (let left = steps; left > 0 && !actor.isDone;) {
      const next: Actor | undefined = actor.isReady ? actor : actors.find(({ isReady }) => isReady)
      if (next === undefined) throw new Error('no actor stands before a step, and not all are done')
      if (!next.isBegun) {
        next.begin()
        await settle(driving, last)
        continue
      }
      if (next === actor) left -= 1
      const step: Step = { actor: next.name, label: next.proceed(), waited: false }
      trace.push(step)
      last.set(next, step)
      await settle(driving, last)
    }
  }
  return trace
}

function toTheEnd({ actor }: Turn): Turn {
  return { actor, steps: Number.POSITIVE_INFINITY }
}

/** Until each is done, stands before a step, or waits for another's lock while there is one to go on. */
async function settle({ actors, changes, isWaiting }: Driving, last: ReadonlyMap<Actor, Step>): Promise<void> {
  const deadline = performance.now() + stuckMilliseconds
  for (;;) {
    const running = actors.filter((actor) => !actor.isDone && !actor.isReady)
    if (running.length === 0) return
    if (performance.now() > deadline) throw new Error(`nothing has happened for ${stuckMilliseconds} ms`)
    await changes.next(lookMilliseconds)
    if (!actors.some(({ isReady }) => isReady) || !(await allWait(running, isWaiting))) continue
    const stillRun = actors.filter((actor) => !actor.isDone && !actor.isReady)
    if (stillRun.some((actor) => !running.includes(actor))) continue
    for (const actor of stillRun) {
      const step = last.get(actor)
      if (step !== undefined) step.waited = true
    }
    return
  }
}

async function allWait(running: readonly Actor[], isWaiting: Driving['isWaiting']): Promise<boolean> {
  for (const { backend } of running) {
    if (backend === undefined || !(await isWaiting(backend))) return false
  }
  return true
}
