import type { ClaimedExecution, RecordedStep, Signal } from '../../contract.ts'
import type { JsonText } from '../../json-text.ts'
import type { WorkRoutes } from '../routes.ts'
import type { HeldLease } from '../lease.ts'
import type { Duration } from './duration.ts'
import { RunEndedError } from './errors.ts'
import { createJournal } from './journal.ts'
import { createRecord } from './recorder.ts'
import { doStep, valueOf, type Act, type StepOptions } from './step.ts'
import { createSuspending, type Suspension } from './suspension.ts'
import { createWaits, type WaitOptions } from './waits.ts'

/** What a handler works an execution with. */
export interface Run {
  /**
   * Aborted when the work must end: the lease is lost, or the program stops. What a handler throws then does not fail
   * the execution.
   */
  readonly signal: AbortSignal
  /**
   * Does an act and records its answer. On every later attempt of the execution the recorded answer is given back and
   * the act is not run. The act itself may run more than once: when a worker dies between the act and its record.
   *
   * @throws StepFailedError where the act failed for good, StepKeyError for a key that is used twice, StepOutputError
   * for an answer that JSON cannot hold.
   */
  readonly step: <Value>(key: string, act: Act<Value>, options?: StepOptions) => Promise<Value>
  /** Waits, across attempts and restarts. A long sleep gives the execution up; any worker goes on with it afterwards. */
  readonly sleep: (key: string, duration: Duration | Date) => Promise<void>
  /**
   * Waits for the next signal of that name that no wait has got yet, and gives it. The execution is given up meanwhile.
   *
   * @throws WaitTimedOutError where none came within `timeout`.
   */
  readonly waitFor: (name: string, options?: WaitOptions) => Promise<Signal>
  /** Runs branches side by side. When one fails, the others are finished first; then the first failure is thrown. */
  readonly all: <const Branches extends readonly Branch[]>(branches: Branches) => Promise<Results<Branches>>
  /** Writes the state of the execution, for people and for handlers without steps. Rejects when the lease is lost. */
  readonly save: (state: JsonText) => Promise<void>
}

type Branch = Promise<unknown> | (() => Promise<unknown>)

type Results<Branches extends readonly Branch[]> = {
  -readonly [Index in keyof Branches]: Branches[Index] extends () => Promise<infer Value>
    ? Value
    : Awaited<Branches[Index]>
}

export interface Running {
  readonly execution: ClaimedExecution
  readonly steps: readonly RecordedStep[]
  readonly routes: WorkRoutes
  readonly lease: HeldLease
  readonly save: (state: JsonText) => Promise<void>
  readonly shortMilliseconds: number
  /** Aborted when the handler has ended. */
  readonly ended: AbortSignal
  /** Told of each result that is recorded. */
  readonly onStep: (step: RecordedStep) => void
}

export interface StartedRun {
  readonly run: Run
  /** Resolves when the execution is to be given up until something has come. */
  readonly suspended: Promise<Suspension>
}

export function createRun(running: Running): StartedRun {
  const { execution, routes, lease, save, shortMilliseconds, ended, onStep } = running
  const journal = createJournal(running.steps)
  const record = createRecord(routes, execution, { lease, journal, onStep })
  const suspending = createSuspending()
  const waits = createWaits({ execution, routes, lease, journal, record, suspending, shortMilliseconds })

  async function step<Value>(key: string, act: Act<Value>, options: StepOptions = {}): Promise<Value> {
    checkOpen()
    const name = journal.take('step', key)
    const known = journal.get(name)
    const recorded = known ?? (await suspending.busy(() => doStep(name, act, options, { execution, lease, record })))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what this very step once answered, read back
    return valueOf(recorded) as Value
  }

  function checkOpen(): void {
    lease.lost.throwIfAborted()
    if (ended.aborted) throw new RunEndedError('The handler of this execution has ended: await every step in it.')
  }

  return {
    suspended: suspending.suspended,
    run: {
      signal: lease.signal,
      save,
      step,
      async sleep(key, duration) {
        checkOpen()
        await waits.sleep(key, duration)
      },
      async waitFor(name, options = {}) {
        checkOpen()
        return waits.waitFor(name, options)
      },
      all,
    },
  }
}

async function all<const Branches extends readonly Branch[]>(branches: Branches): Promise<Results<Branches>> {
  const settled = await Promise.allSettled(branches.map((branch) => (typeof branch === 'function' ? branch() : branch)))
  const values = settled.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one value for each branch, in their order
  return values as Results<Branches>
}
