import { ConnectionError, DeadlineError, ProblemError } from '@millrace/client'
import { words } from '../words.ts'

/** What went wrong, for people. */
export interface Failure {
  readonly title: string
  readonly detail: string
  readonly advice: string | undefined
  readonly requestId: string | undefined
  readonly code: string | undefined
  readonly places: readonly { readonly place: string; readonly message: string }[]
}

const advices: Readonly<Record<string, string>> = words.failures.advice

export function failureOf(error: unknown): Failure {
  if (error instanceof ProblemError) {
    const places = error.errors.map((one) => ({
      place: 'pointer' in one ? one.pointer : one.parameter,
      message: one.message,
    }))
    const { title, detail, requestId, code } = error
    return { title, detail, requestId, code, places, advice: advices[code] }
  }
  const isAway = error instanceof ConnectionError || error instanceof DeadlineError
  return {
    title: isAway ? words.failures.unreachable : words.failures.unexpected,
    detail: error instanceof Error ? error.message : String(error),
    advice: isAway ? words.failures.unreachableAdvice : words.failures.unexpectedAdvice,
    requestId: undefined,
    code: undefined,
    places: [],
  }
}

export function isProblem(error: unknown, code: string): boolean {
  return error instanceof ProblemError && error.code === code
}
