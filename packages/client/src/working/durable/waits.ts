import type { ClaimedExecution, RecordedStep, Signal } from '../../contract.ts'
import { pause } from '../../exchange/waiting.ts'
import { readExact, toJson, writeExact, type JsonText } from '../../json-text.ts'
import type { WorkRoutes } from '../routes.ts'
import type { HeldLease } from '../lease.ts'
import { millisecondsOf, type Duration } from './duration.ts'
import { WaitTimedOutError } from './errors.ts'
import type { Journal } from './journal.ts'
import type { RecordStep } from './recorder.ts'
import type { Suspending } from './suspension.ts'

export interface WaitOptions {
  /** In place of the signal's name, where one name is waited for several times. */
  readonly key?: string
  /** How long, from the first time that the execution comes here; then a WaitTimedOutError is thrown. For ever unless given. */
  readonly timeout?: Duration
}

interface Waiting {
  readonly execution: Pick<ClaimedExecution, 'id'>
  readonly routes: Pick<WorkRoutes, 'nextSignal'>
  readonly lease: HeldLease
  readonly journal: Journal
  readonly record: RecordStep
  readonly suspending: Suspending
  /** A wait that is over within so many milliseconds is waited for in place, under the lease. */
  readonly shortMilliseconds: number
}

export interface Waits {
  sleep(key: string, duration: Duration | Date): Promise<void>
  waitFor(name: string, options: WaitOptions): Promise<Signal>
}

const documents: ReadonlySet<string> = new Set(['payload'])

export function createWaits(waiting: Waiting): Waits {
  const { execution, routes, lease, journal, record, suspending, shortMilliseconds } = waiting
  const received = receivedSignals(journal)
  /** Waits look for signals one after the other, so that no two get the same one. */
  let looking: Promise<unknown> = Promise.resolve()

  return {
    async sleep(key, duration) {
      const name = journal.take('sleep', key)
      const until = await untilOf(name, duration)
      const left = until.getTime() - Date.now()
      if (left <= 0) return
      if (left > shortMilliseconds) return suspending.wait({ until, signal: undefined })
      await suspending.busy(() => pause(left, lease.signal))
    },

    async waitFor(signalName, { key = signalName, timeout }) {
      const name = journal.take('wait', key)
      const known = journal.get(name)
      if (known !== undefined) return signalOf(known, signalName)
      const until = timeout === undefined ? undefined : await untilOf(`${name}:until`, timeout)
      const found = await look(name, signalName, until)
      if ('step' in found) return signalOf(found.step, signalName)
      return suspending.wait({ until, signal: { name: signalName, afterSeq: found.afterSeq } })
    },
  }

  /** Recorded when it is first asked for, so that it does not begin anew with each attempt. */
  async function untilOf(name: string, duration: Duration | Date): Promise<Date> {
    const known = journal.get(name)
    if (known !== undefined) return untilIn(known)
    const until = duration instanceof Date ? duration : new Date(Date.now() + millisecondsOf(duration))
    const output = toJson({ until: until.toISOString() })
    return untilIn(await suspending.busy(() => record(name, { result: { output } })))
  }

  async function look(
    name: string,
    signalName: string,
    until: Date | undefined,
  ): Promise<{ readonly step: RecordedStep } | { readonly afterSeq: number }> {
    const before = looking
    const mine = suspending.busy(async () => {
      await before.catch(() => undefined)
      const afterSeq = received.highest()
      const signal = await routes.nextSignal(
        execution.id,
        { name: signalName, after: received.last(signalName) },
        { signal: lease.lost },
      )
      if (signal !== undefined) {
        const step = await record(name, { result: { output: received.take(signal) } })
        return { step }
      }
      if (until === undefined || until.getTime() > Date.now()) return { afterSeq }
      return { step: await record(name, { result: { output: toJson({ timedOut: until.toISOString() }) } }) }
    })
    looking = mine
    return mine
  }
}

function untilIn(step: RecordedStep): Date {
  const { until } = membersOf(step)
  return new Date(String(until))
}

function membersOf({ output }: RecordedStep): Readonly<Record<string, unknown>> {
  return output === 'null' ? {} : readExact(output, new Set(['signal']))
}

/** @throws WaitTimedOutError where that is what is recorded. */
function signalOf(step: RecordedStep, signalName: string): Signal {
  const { signal, timedOut } = membersOf(step)
  if (typeof timedOut === 'string') throw new WaitTimedOutError(signalName, timedOut)
  return readSignal(String(signal))
}

function readSignal(text: string): Signal {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this very code has written it
  return readExact(text, documents) as unknown as Signal
}

/** The signals that waits have got, in this attempt and earlier ones. */
function receivedSignals(journal: Journal) {
  const lastSeqs = new Map<string, number>()
  const note = ({ name, seq }: Pick<Signal, 'name' | 'seq'>): void => {
    lastSeqs.set(name, Math.max(lastSeqs.get(name) ?? 0, seq))
  }
  for (const step of journal.all()) {
    if (!step.key.startsWith('wait:')) continue
    const { signal } = membersOf(step)
    if (typeof signal === 'string') note(readSignal(signal))
  }
  return {
    last: (name: string): number => lastSeqs.get(name) ?? 0,
    highest: (): number => Math.max(0, ...lastSeqs.values()),
    /** The text under which it is recorded. */
    take(signal: Signal): JsonText {
      note(signal)
      return writeExact({ signal: writeExact(signal, documents) }, new Set(['signal']))
    },
  }
}
