import { ConnectionError, ProblemError, UnexpectedAnswerError } from '../errors.ts'

export interface RetryPolicy {
  /** How often a call is tried, the first time included. */
  readonly attempts: number
  /** The wait before the first retry; each further one waits twice as long, up to `mostDelayMilliseconds`. */
  readonly firstDelayMilliseconds: number
  readonly mostDelayMilliseconds: number
  /** How long one try may take. */
  readonly attemptMilliseconds: number
  /** How long a call may take, its retries and waits included. */
  readonly deadlineMilliseconds: number
  /** How many retries the client may make beyond a tenth of its calls. */
  readonly budget: number
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 5,
  firstDelayMilliseconds: 200,
  mostDelayMilliseconds: 5000,
  attemptMilliseconds: 10_000,
  deadlineMilliseconds: 30_000,
  budget: 20,
}

/** Keeps many calls' retries from multiplying the load on a service that is failing: each costs one, a success earns a tenth. */
export interface RetryBudget {
  spend(): boolean
  earn(): void
}

export function createRetryBudget(most: number): RetryBudget {
  let left = most
  return {
    spend() {
      if (left < 1) return false
      left -= 1
      return true
    },
    earn() {
      left = Math.min(most, left + 0.1)
    },
  }
}

/**
 * How many milliseconds to wait before the next try, the `tried`th having failed; undefined where none would help or
 * where another could do a thing twice.
 * @param isRepeatable Whether doing it twice is doing it once: else only a refusal that was answered before anything
 *   was done is tried again.
 */
export function delayBefore(
  failure: unknown,
  tried: number,
  { policy, isRepeatable }: { readonly policy: RetryPolicy; readonly isRepeatable: boolean },
): number | undefined {
  if (tried >= policy.attempts || !isWorthAgain(failure, isRepeatable)) return undefined
  const backoff = Math.min(policy.firstDelayMilliseconds * 2 ** (tried - 1), policy.mostDelayMilliseconds)
  const asked = failure instanceof ProblemError ? (failure.retryAfterSeconds ?? 0) * 1000 : 0
  // Never less than was asked for; up to half a backoff more, so that those that collided don't collide again.
  return Math.max(asked, backoff / 2) + (Math.random() * backoff) / 2
}

function isWorthAgain(failure: unknown, isRepeatable: boolean): boolean {
  if (failure instanceof ConnectionError) return isRepeatable
  if (failure instanceof UnexpectedAnswerError) return isRepeatable && isOfGateway(failure.status)
  return failure instanceof ProblemError && (isUndone(failure) || (isRepeatable && mayPass(failure)))
}

/** Refused before anything was done. */
function isUndone({ code }: ProblemError): boolean {
  return code === 'rate_limited' || code === 'idempotency_in_progress' || code === 'restore_in_progress'
}

/** The API says `Retry-After` where waiting helps, and does not where someone has to mend something first. */
function mayPass({ status, retryAfterSeconds }: ProblemError): boolean {
  return status === 503 && retryAfterSeconds !== undefined
}

/** What stands between says so where it had no answer to pass on. */
function isOfGateway(status: number): boolean {
  return status === 502 || status === 503 || status === 504
}
