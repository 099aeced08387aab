import type { DocumentText } from '@millrace/db/document'
import * as signals from '@millrace/db/repositories/executions/signals'
import type { Kept } from '@millrace/db/store/idempotency'
import { newId } from '../ids.ts'
import type { IdempotencyKey } from '../request/idempotency.ts'
import { refuse, type Result } from '../result.ts'
import type { Context } from './context.ts'
import { isKept } from './kept.ts'

/** Sends a signal to an unfinished execution. */
export async function sendSignal(
  { store, caller, clock }: Context,
  id: string,
  { name, payload }: { readonly name: string; readonly payload?: DocumentText | undefined },
  key: IdempotencyKey | undefined,
): Promise<Result<{ readonly seq: number }> | { readonly ok: false; readonly kept: Kept }> {
  if (caller.kind === 'anonymous') return refuse('unauthenticated')
  const at = clock()
  // A payload that is `null` is none.
  const signal = {
    name,
    payload: payload === undefined || payload === 'null' ? null : payload,
    operation: newId(at),
    at,
  }
  const outcome = await signals.sendSignal(store, caller, id, signal, key && { ...key, at })
  if (outcome.ok) return outcome
  return isKept(outcome) ? { ok: false, kept: outcome } : refuse(outcome.refusal)
}
