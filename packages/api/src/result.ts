import type { ErrorCode, Refusal } from './errors.ts'

/** What a service gives back: the value, or why not. */
export type Result<T> = { readonly ok: true; readonly value: T } | Refused

export interface Refused {
  readonly ok: false
  readonly refusal: Refusal
}

export function done<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

export function refuse(code: ErrorCode, more: Omit<Refusal, 'code'> = {}): Refused {
  return { ok: false, refusal: { code, ...more } }
}

/** What a repository gives, as a service gives it. */
export function resultOf<Value>(
  outcome: { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly refusal: ErrorCode },
): Result<Value> {
  return outcome.ok ? outcome : refuse(outcome.refusal)
}

/** Why a repository refuses; undefined when it does not. */
export function refusedBy(
  outcome: { readonly ok: true } | { readonly ok: false; readonly refusal: ErrorCode },
): Refused | undefined {
  return outcome.ok ? undefined : refuse(outcome.refusal)
}
