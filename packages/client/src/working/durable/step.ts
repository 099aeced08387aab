import type { ClaimedExecution, ExecutionError, RecordedStep } from '../../contract.ts'
import { pause, within } from '../../exchange/waiting.ts'
import { parseJson } from '../../json-text.ts'
import { failureOf } from '../failure.ts'
import type { HeldLease } from '../lease.ts'
import { FatalError, StepFailedError, StepOutputError } from './errors.ts'
import { outputOf } from './output.ts'
import type { RecordStep, StepResult } from './recorder.ts'

/** How a step is tried again within one attempt of its execution, before its failure is recorded. */
export interface StepOptions {
  /** How often the act is tried at most: 3 unless given. */
  readonly attempts?: number
  /** Seconds before the second try, growing by `factor` up to `mostSeconds`: 1, 2 and 60 unless given. */
  readonly backoff?: { readonly firstSeconds?: number; readonly factor?: number; readonly mostSeconds?: number }
  /** How long one try may take; then its signal is aborted, and it counts as failed. No limit unless given. */
  readonly timeoutSeconds?: number
}

/** What an act is given. */
export interface Acting {
  /** Aborted when the lease is lost, the program stops, or the try has taken `timeoutSeconds`. */
  readonly signal: AbortSignal
  /** 1 for the first try in this attempt of the execution. */
  readonly attempt: number
  /** The same on every try and every attempt: hand it to a service that does a thing once for each key. */
  readonly idempotencyKey: string
}

export type Act<Value> = (acting: Acting) => Promise<Value> | Value

interface Doing {
  readonly execution: Pick<ClaimedExecution, 'id'>
  readonly lease: HeldLease
  readonly record: RecordStep
}

/** Does an act until it succeeds or its tries are used up, and records what came of it. */
export async function doStep(
  name: string,
  act: Act<unknown>,
  { attempts = 3, backoff = {}, timeoutSeconds }: StepOptions,
  { execution, lease, record }: Doing,
): Promise<RecordedStep> {
  const { firstSeconds = 1, factor = 2, mostSeconds = 60 } = backoff
  const startedAt = new Date()
  for (let attempt = 1; ; attempt += 1) {
    const acting = { attempt, idempotencyKey: `${execution.id}/${name}` }
    const result = await attemptOf(name, timeoutSeconds, lease, (signal) => act({ ...acting, signal }))
    const isLast = 'output' in result || result.isFatal || attempt >= attempts
    if (isLast) return record(name, { attempt, startedAt, result: resultOf(result) })
    await pause(Math.min(firstSeconds * factor ** (attempt - 1), mostSeconds) * 1000, lease.signal)
  }
}

type Attempted =
  | Extract<StepResult, { output: unknown }>
  | { readonly error: ExecutionError; readonly isFatal: boolean }

function resultOf(attempted: Attempted): StepResult {
  return 'output' in attempted ? attempted : { error: attempted.error }
}

/** Rejects where nothing of it may be recorded: the lease is lost, the program stops, the answer cannot be kept. */
async function attemptOf(
  name: string,
  timeoutSeconds: number | undefined,
  { signal }: HeldLease,
  act: (signal: AbortSignal) => unknown,
): Promise<Attempted> {
  signal.throwIfAborted()
  const run = async (limited: AbortSignal): Promise<unknown> => act(limited)
  const late = new Error(`Step ${name} had no answer within ${timeoutSeconds ?? 0} s.`)
  try {
    const answer =
      timeoutSeconds === undefined ? await run(signal) : await within(timeoutSeconds * 1000, { signal, late }, run)
    return { output: outputOf(name, answer) }
  } catch (thrown) {
    // What an act throws after its signal was aborted says nothing about the step.
    signal.throwIfAborted()
    if (thrown instanceof StepOutputError) throw thrown
    return { error: failureOf(thrown), isFatal: thrown instanceof FatalError }
  }
}

/** What a recorded step gives to the handler. @throws StepFailedError where it is a failure. */
export function valueOf(step: RecordedStep): unknown {
  if (step.error !== null) throw new StepFailedError(step.key, step.error)
  return parseJson(step.output)
}
