import type { ErrorCode, FieldError } from './errors.ts'

/** What a service gives back: the value, or why not. */
export type Result<T> = { readonly ok: true; readonly value: T } | Refused

/** Why a request was not done, as a repository says it too. Everything in it may be shown to the caller. */
export interface Refused {
  readonly ok: false
  readonly refusal: ErrorCode
  /** In place of the code's own sentence. */
  readonly detail?: string | undefined
  readonly errors?: readonly FieldError[] | undefined
  readonly retryAfterSeconds?: number | undefined
}

export function done<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

export function refuse(refusal: ErrorCode, more: Omit<Refused, 'ok' | 'refusal'> = {}): Refused {
  return { ok: false, refusal, ...more }
}

/** Why it was not done; undefined when it was. */
export function refusedBy(outcome: { readonly ok: true } | Refused): Refused | undefined {
  return outcome.ok ? undefined : outcome
}
