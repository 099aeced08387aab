import type { ClaimedExecution, ExecutionError, NewStep, RecordedStep } from '../../contract.ts'
import { ProblemError } from '../../errors.ts'
import { pause } from '../../exchange/waiting.ts'
import { exactJson, type JsonText } from '../../json-text.ts'
import type { WorkRoutes } from '../routes.ts'
import { isFinal, type HeldLease } from '../lease.ts'
import { StepOutputError } from './errors.ts'
import type { Journal } from './journal.ts'

/** What came of a step: exactly one of the two. */
export type StepResult = { readonly output: JsonText } | { readonly error: ExecutionError }

export interface RecordedResult {
  readonly attempt?: number
  readonly startedAt?: Date
  readonly result: StepResult
}

/** Records a step under the lease, and gives what is recorded: the first result, where there is one already. */
export type RecordStep = (name: string, recorded: RecordedResult) => Promise<RecordedStep>

const pauseMilliseconds = 500

export function createRecord(
  routes: Pick<WorkRoutes, 'recordSteps' | 'step'>,
  { id, fence }: Pick<ClaimedExecution, 'id' | 'fence'>,
  {
    lease,
    journal,
    onStep,
  }: {
    readonly lease: HeldLease
    readonly journal: Journal
    readonly onStep: (step: RecordedStep) => void
  },
): RecordStep {
  return async (name, { attempt, startedAt, result }) => {
    lease.lost.throwIfAborted()
    const step: NewStep = {
      key: name,
      ...result,
      ...(attempt === undefined ? {} : { attempt }),
      ...(startedAt === undefined ? {} : { startedAt: startedAt.toISOString() }),
    }
    const { seq, isFirst } = await send(step)
    const recorded = isFirst ? recordedOf(step, seq, startedAt) : await routes.step(id, name, { signal: lease.lost })
    journal.add(recorded)
    onStep(recorded)
    return recorded
  }

  /** The act is done: what keeps its result from being recorded is waited out as long as the lease is held. */
  async function send(step: NewStep): Promise<{ readonly seq: number; readonly isFirst: boolean }> {
    for (;;) {
      try {
        const { steps } = await routes.recordSteps(id, { fence, steps: [step] }, { signal: lease.lost })
        return { seq: steps[0]?.seq ?? 0, isFirst: true }
      } catch (error) {
        if (error instanceof ProblemError && error.code === 'step_recorded') return { seq: 0, isFirst: false }
        if (isFinal(error)) lease.lose('another worker has it, or it was cancelled.', error)
        lease.lost.throwIfAborted()
        if (error instanceof ProblemError && error.status < 500) throw unfit(step, error)
      }
      await pause(pauseMilliseconds, lease.lost)
    }
  }
}

function recordedOf(step: NewStep, seq: number, startedAt: Date | undefined): RecordedStep {
  const now = new Date().toISOString()
  return {
    seq,
    key: step.key,
    output: 'output' in step ? step.output : exactJson('null'),
    error: 'error' in step ? step.error : null,
    attempt: step.attempt ?? null,
    startedAt: startedAt?.toISOString() ?? null,
    recordedAt: now,
  }
}

function unfit({ key }: NewStep, cause: ProblemError): StepOutputError {
  return new StepOutputError(`The result of step ${key} is not kept by the service: ${cause.message}`, { cause })
}
