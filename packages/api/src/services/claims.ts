import { claimExecutions, type ClaimedExecution } from '@millrace/db/repositories/executions/claim'
import type { Kept } from '@millrace/db/store/idempotency'
import { newId } from '../ids.ts'
import type { IdempotencyKey } from '../request/idempotency.ts'
import { refuse, type Result } from '../result.ts'
import type { Context } from './context.ts'
import { isKept } from './kept.ts'

export interface ClaimInput {
  readonly worker: string
  readonly limit?: number | undefined
  readonly leaseSeconds?: number | undefined
  readonly workflowIds?: readonly string[] | undefined
}

export interface Leases {
  readonly items: readonly ClaimedExecution[]
  /** Whether these are what an earlier request under the same key was given. */
  readonly isReplayed: boolean
}

/** Takes due executions for a worker, each under a lease and a fence of its own. */
export async function claim(
  { store, caller, clock }: Context,
  { worker, limit = 1, leaseSeconds = 60, workflowIds }: ClaimInput,
  key: IdempotencyKey | undefined,
): Promise<Result<Leases> | { readonly ok: false; readonly kept: Kept }> {
  if (caller.kind === 'anonymous') return refuse('unauthenticated')
  const at = clock()
  const leaseUntil = new Date(at.getTime() + leaseSeconds * 1000)
  const taken = { operation: newId(at), worker, limit, at, leaseUntil, workflowIds }
  const outcome = await claimExecutions(store, caller, taken, key && { ...key, at })
  if (outcome.ok) return outcome
  return isKept(outcome) ? { ok: false, kept: outcome } : refuse(outcome.refusal)
}
