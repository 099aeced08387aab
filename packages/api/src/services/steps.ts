import * as steps from '@millrace/db/repositories/executions/steps'
import type { DocumentText } from '@millrace/db/document'
import { newId } from '../ids.ts'
import { type Result } from '../result.ts'
import type { UserContext } from './context.ts'

interface GivenStep {
  readonly key: string
  readonly output?: DocumentText | undefined
  readonly error?: DocumentText | undefined
  readonly attempt?: number | undefined
  readonly startedAt?: Date | undefined
}

export interface GivenSteps {
  readonly fence: number
  readonly steps: readonly [GivenStep, ...GivenStep[]]
  readonly leaseSeconds?: number | undefined
}

/** Records what a worker has done: all or none, in this order. */
export async function recordSteps(
  { store, caller, clock }: UserContext,
  id: string,
  { fence, steps: [first, ...others], leaseSeconds }: GivenSteps,
): Promise<Result<steps.Recorded>> {
  const at = clock()
  const outcome = await steps.recordSteps(store, caller, id, {
    fence,
    steps: [newStep(first), ...others.map(newStep)],
    leaseUntil: leaseSeconds === undefined ? undefined : new Date(at.getTime() + leaseSeconds * 1000),
    operation: newId(at),
    at,
  })
  return outcome
}

function newStep({ key, output, error, attempt, startedAt }: GivenStep): steps.NewStep {
  return { key, output: output ?? null, error: error ?? null, attempt: attempt ?? null, startedAt: startedAt ?? null }
}
