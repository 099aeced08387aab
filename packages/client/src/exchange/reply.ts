import type { ProblemJson } from '@millrace/api/app-type'
import { ProblemError, UnexpectedAnswerError } from '../errors.ts'

/** An answer, read whole. */
export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Throws what a refusal is: a {@link ProblemError}, or an {@link UnexpectedAnswerError} where it is not the API's. */
export function refuseProblems(reply: Reply): Reply {
  const { status } = reply
  if ((status >= 200 && status < 300) || status === 304) return reply
  throw failureOf(reply)
}

function failureOf({ status, headers, text }: Reply): Error {
  const type = headers.get('Content-Type') ?? 'nothing'
  if (!type.startsWith('application/problem+json')) return new UnexpectedAnswerError(status, `it is ${type}`)
  const problem = parse(text)
  if (!isProblem(problem)) return new UnexpectedAnswerError(status, 'it lacks the members of a problem')
  return new ProblemError(problem, secondsOf(headers.get('Retry-After')))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isProblem(value: unknown): value is ProblemJson {
  return typeof value === 'object' && value !== null && 'code' in value && 'status' in value && 'detail' in value
}

/** `Retry-After` as RFC 9110 has it: seconds, or a date, which a proxy may send. */
function secondsOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter)
  const at = Date.parse(retryAfter)
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000))
}
