import type { Kept } from '@millrace/db/store/idempotency'

/** Whether a write was not done because its Idempotency-Key stands for another, or for the same one before. */
export function isKept(refused: { readonly refusal: string }): refused is Kept {
  return refused.refusal === 'replay' || refused.refusal === 'idempotency_key_reused'
}
