import type { DocumentText } from '@millrace/db/document'
import * as signals from '@millrace/db/repositories/executions/signals'
import { newId } from '../ids.ts'
import type { UserContext } from './context.ts'
import { type IdempotentHead, type OrReplay } from './idempotency.ts'

/** Sends a signal to an unfinished execution. */
export function sendSignal(
  { store, caller, clock }: UserContext,
  id: string,
  { name, payload }: { readonly name: string; readonly payload?: DocumentText | undefined },
  key: IdempotentHead | undefined,
): Promise<OrReplay<{ readonly seq: number }>> {
  const at = clock()
  // A payload that is `null` is none.
  const signal = {
    name,
    payload: payload === undefined || payload === 'null' ? null : payload,
    operation: newId(at),
    at,
  }
  return signals.sendSignal(store, caller, id, signal, key && { ...key, at })
}
