import type { ProblemJson } from '@millrace/api/app-type'
import type { ErrorCode, FieldError } from '@millrace/api/errors'

export type { ErrorCode, FieldError }

/** What the API refused, with its `code` of the closed list: `if (error.code === 'precondition_failed')`. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly status: number
  readonly code: ErrorCode
  readonly title: string
  /** What happened and what to do, for people. */
  readonly detail: string
  /** Names the line of the service's log. */
  readonly requestId: string
  /** What of the request is wrong, and where. */
  readonly errors: readonly FieldError[]
  readonly retryAfterSeconds: number | undefined
  /** As it was answered. */
  readonly problem: ProblemJson

  constructor(problem: ProblemJson, retryAfterSeconds?: number) {
    const places = (problem.errors ?? []).map((error) => `${placeOf(error)}: ${error.message}`)
    super([`${problem.code}: ${problem.detail}`, ...places].join(' '))
    this.problem = problem
    this.status = problem.status
    this.code = problem.code
    this.title = problem.title
    this.detail = problem.detail
    this.requestId = problem.requestId
    this.errors = problem.errors ?? []
    this.retryAfterSeconds = retryAfterSeconds
  }
}

function placeOf(error: FieldError): string {
  return 'pointer' in error ? error.pointer : error.parameter
}

/** No answer: the service was not reached, or the connection broke. Whether a write happened is not known. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}

/** The call's time ran out, retries included. `cause` is the last failure. Whether a write happened is not known. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/** An answer that is not the API's: a proxy's error page, a wrong address. */
export class UnexpectedAnswerError extends Error {
  override readonly name = 'UnexpectedAnswerError'
  readonly status: number

  constructor(status: number, because: string, options?: ErrorOptions) {
    super(`The answer (status ${status}) is not Millrace's: ${because}`, options)
    this.status = status
  }
}
