import {
  disableSchedule,
  dueSchedules,
  passOver,
  startPlanned,
  type DisablingCause,
  type DisablingReason,
  type DueSchedule,
} from '@millrace/db/repositories/schedules/serve'
import type { Store } from '@millrace/db/store/store'
import { faultOf } from '../faults.ts'
import { newId } from '../ids.ts'
import type { Log } from '../log.ts'
import { timetableIfKnown, type Timetable } from '../schedules/timetable.ts'

/** What is later than this was missed; what is less is served late, each planned time by itself. */
const missedMilliseconds = 5 * 60_000

/** Schedules that are read at once, and batches that one run sends: a function has a bounded number of subrequests. */
const pageSize = 50
const mostBatches = 400

/** What a run did. */
export interface ServedSchedules {
  readonly started: number
  readonly passedOver: number
  readonly disabled: number
}

export interface SchedulerParts {
  readonly store: Store
  readonly clock: () => Date
  readonly log: Log
  /** From 0 to 1; where a run begins among what is due. */
  readonly random?: () => number
}

/**
 * Starts what the schedules have planned up to now: each planned time once, whoever serves it and however many do. A run
 * does a bounded part; what is left is the next one's.
 */
export async function serveSchedules({
  store,
  clock,
  log,
  random = Math.random,
}: SchedulerParts): Promise<ServedSchedules> {
  const run = new Run(store, clock, log)
  for (;;) {
    // Those that failed stay the longest overdue: however many they are, others are read behind them.
    const due = await dueSchedules(store, { at: clock(), limit: pageSize + run.failed.size })
    const left = due.filter(({ id }) => !run.failed.has(id))
    for (const schedule of inAnyOrder(left, random())) {
      if (run.batches >= mostBatches) break
      await run.serve(schedule)
    }
    if (left.length > 0 && run.batches < mostBatches) continue
    if (run.hasDone) log({ level: 'info', event: 'schedules_served', ...run.served })
    return run.served
  }
}

/** Several schedulers read the same page: they get into each other's way less where each begins elsewhere. */
function inAnyOrder(due: readonly DueSchedule[], drawn: number): readonly DueSchedule[] {
  const start = Math.floor(drawn * due.length)
  return [...due.slice(start), ...due.slice(0, start)]
}

class Run {
  readonly #store: Store
  readonly #clock: () => Date
  readonly #log: Log
  #started = 0
  #passedOver = 0
  #disabled = 0
  batches = 0
  readonly failed = new Set<string>()

  constructor(store: Store, clock: () => Date, log: Log) {
    this.#store = store
    this.#clock = clock
    this.#log = log
  }

  get served(): ServedSchedules {
    return { started: this.#started, passedOver: this.#passedOver, disabled: this.#disabled }
  }

  get hasDone(): boolean {
    return this.#started + this.#passedOver + this.#disabled > 0
  }

  /** One that fails holds up no other. */
  async serve(schedule: DueSchedule): Promise<void> {
    try {
      await this.#serve(schedule)
    } catch (thrown) {
      this.batches += 1
      this.failed.add(schedule.id)
      const { cause, fix } = faultOf(thrown)
      this.#log({ level: 'error', event: 'schedule_failed', schedule: schedule.id, cause, cure: fix })
    }
  }

  async #serve(schedule: DueSchedule): Promise<void> {
    const timetable = timetableIfKnown(schedule.cron, schedule.timeZone)
    if (timetable === undefined) {
      await this.#disable(schedule, 'no_timetable', `The time zone ${schedule.timeZone} or its cron is not understood.`)
      return
    }
    const at = this.#clock()
    const step = stepOf(schedule, timetable, at)
    if (step.kind === 'pass') {
      await this.#pass(schedule, step.nextAt, 'missed')
      return
    }
    const { plannedAt } = step
    const nextAt = timetable.after(plannedAt) ?? null
    this.batches += 1
    const start = { schedule, plannedAt, nextAt, executionId: newId(at), eventId: newId(at), at }
    if ((await startPlanned(this.#store, start)) === 'started') {
      this.#started += 1
      return
    }
    // Served or changed by another meanwhile, both of these do nothing.
    if (schedule.overlap === 'skip' && (await this.#pass(schedule, nextAt, 'unfinished'))) return
    await this.#disable(schedule, 'not_allowed', reasonOf(schedule))
  }

  async #pass(schedule: DueSchedule, nextAt: Date | null, because: 'missed' | 'unfinished'): Promise<boolean> {
    this.batches += 1
    const isPassed = await passOver(this.#store, { schedule, nextAt, because, operation: newId(this.#clock()) })
    if (isPassed) this.#passedOver += 1
    return isPassed
  }

  async #disable(schedule: DueSchedule, cause: DisablingCause, reason: DisablingReason): Promise<void> {
    const at = this.#clock()
    this.batches += 1
    if (!(await disableSchedule(this.#store, { schedule, cause, reason, eventId: newId(at), at }))) return
    this.#disabled += 1
    this.#log({ level: 'warn', event: 'schedule_disabled', schedule: schedule.id, reason: cause })
  }
}

function reasonOf({ createdBy }: DueSchedule): DisablingReason {
  if (createdBy === null) return 'The user who made it has left.'
  return {
    isDisabled: 'The user who made it is disabled.',
    otherwise: 'The user who made it may no longer start executions of the workflow.',
  }
}

/** What is to be done about the planned time that is next, at a moment. */
export type Step =
  | { readonly kind: 'start'; readonly plannedAt: Date }
  | { readonly kind: 'pass'; readonly nextAt: Date | null }

/**
 * A planned time that is not yet missed is served. Of those that were missed, one is served for the newest, or they are
 * all passed over; then that newest may be one that is late but not missed.
 */
function stepOf({ nextAt, catchUp }: Pick<DueSchedule, 'nextAt' | 'catchUp'>, timetable: Timetable, at: Date): Step {
  const missedBefore = new Date(at.getTime() - missedMilliseconds)
  if (nextAt >= missedBefore) return { kind: 'start', plannedAt: nextAt }
  if (catchUp === 'latest') return { kind: 'start', plannedAt: timetable.upTo(at) ?? nextAt }
  return { kind: 'pass', nextAt: timetable.after(new Date(missedBefore.getTime() - 1)) ?? null }
}
