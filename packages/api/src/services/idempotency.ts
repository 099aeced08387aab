import type { ResponseHead, StoredOutcome, StoredResponse } from '@millrace/db/store/idempotency'
import type { Result } from '../result.ts'

/** A key of the caller's, and what the request was, so that another one under the same key is noticed. */
export interface IdempotencyKey {
  readonly key: string
  /** SHA-256 of method, path and body bytes. */
  readonly fingerprint: string
}

/** An Idempotency-Key, and the answer that is stored under it in the batch that does what was asked. */
export interface Idempotent<Value> extends IdempotencyKey {
  readonly answerFor: (value: Value) => StoredResponse
}

/** The same where only the write knows the body of the answer. */
export interface IdempotentHead extends IdempotencyKey {
  readonly head: ResponseHead
}

/** What a write under an Idempotency-Key gives: nothing is written where the key already stands for an answer. */
export type OrReplay<Value> = Result<Value> | StoredOutcome
