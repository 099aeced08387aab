import { claimExecutions, type ClaimedExecution } from '@millrace/db/repositories/executions/claim'
import { stepsOf } from '@millrace/db/repositories/executions/claim-steps'
import type { Entry } from '@millrace/db/repositories/executions/entries'
import { newId } from '../ids.ts'
import { done } from '../result.ts'
import type { Context, UserContext } from './context.ts'
import { type IdempotentHead, type OrReplay } from './idempotency.ts'

export interface ClaimInput {
  readonly worker: string
  readonly limit?: number | undefined
  readonly leaseSeconds?: number | undefined
  readonly workflowIds?: readonly string[] | undefined
  /** Whether each comes with its steps. */
  readonly withSteps?: boolean | undefined
}

export interface ClaimedWithSteps extends ClaimedExecution {
  /** Null where they do not fit into the answer; undefined where they were not asked for. */
  readonly steps?: readonly Entry[] | null | undefined
}

export interface Leases {
  readonly items: readonly ClaimedWithSteps[]
  /** Whether these are what an earlier request under the same key was given. */
  readonly isReplayed: boolean
}

/** Takes due executions for a worker, each under a lease and a fence of its own. */
export async function claim(
  { store, caller, clock }: UserContext,
  { worker, limit = 1, leaseSeconds = 60, workflowIds, withSteps = false }: ClaimInput,
  key: IdempotentHead | undefined,
): Promise<OrReplay<Leases>> {
  const at = clock()
  const leaseUntil = new Date(at.getTime() + leaseSeconds * 1000)
  const taken = { operation: newId(at), worker, limit, at, leaseUntil, workflowIds }
  const outcome = await claimExecutions(store, caller, taken, key && { ...key, at })
  if (outcome.ok) {
    const { items, isReplayed } = outcome.value
    return done({ items: withSteps ? await addSteps(store, items) : items, isReplayed })
  }
  return outcome
}

/** What was claimed for the first time has none: a step is recorded under a claim. */
async function addSteps(
  store: Context['store'],
  items: readonly ClaimedExecution[],
): Promise<readonly ClaimedWithSteps[]> {
  const again = items.filter(({ attempts }) => attempts > 1)
  const steps = again.length === 0 ? new Map<string, readonly Entry[] | null>() : await stepsOf(store, items)
  return items.map((item) => ({ ...item, steps: steps.has(item.id) ? (steps.get(item.id) ?? null) : [] }))
}
