import type { Kept, StoredAnswer } from '@millrace/db/store/idempotency'
import type { ErrorCode } from '../errors.ts'
import { refuse, type Result } from '../result.ts'

/** A key of the caller's, and what the request was, so that another one under the same key is noticed. */
export interface IdempotencyKey {
  readonly key: string
  /** SHA-256 of method, path and body bytes. */
  readonly fingerprint: string
}

/** An Idempotency-Key, and the answer that is stored under it in the batch that does what was asked. */
export interface Idempotent<Value> extends IdempotencyKey {
  readonly answerFor: (value: Value) => StoredAnswer
}

/** The answer that the key already stands for: nothing was written. */
export interface Replay {
  readonly ok: false
  readonly replay: StoredAnswer
}

export type OrReplay<Value> = Result<Value> | Replay

/** What a repository's write under an Idempotency-Key gives, as a service gives it. */
export function resultUnderKey<Value>(
  outcome: { readonly ok: true; readonly value: Value } | Kept | { readonly ok: false; readonly refusal: ErrorCode },
): OrReplay<Value> {
  if (outcome.ok) return outcome
  return outcome.refusal === 'replay' ? { ok: false, replay: outcome.answer } : refuse(outcome.refusal)
}
