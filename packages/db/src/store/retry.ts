import { DatabaseError } from '../sql/errors.ts'

/** How a store tries again. Attempts count the first one; the deadline ends waiting, never a running round trip. */
export interface RetryPolicy {
  readonly attempts: number
  readonly firstDelayMilliseconds: number
  readonly deadlineMilliseconds: number
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 4,
  firstDelayMilliseconds: 20,
  deadlineMilliseconds: 10_000,
}

/**
 * Keeps retries from multiplying the load on a database that is failing: each costs a token, each success gives back a
 * tenth. Shared by the requests of an isolate.
 */
export interface RetryBudget {
  spend(): boolean
  earn(): void
}

export function createRetryBudget(tokens = 20): RetryBudget {
  let left = tokens
  return {
    spend() {
      if (left < 1) return false
      left -= 1
      return true
    },
    earn() {
      left = Math.min(tokens, left + 0.1)
    },
  }
}

export interface Retrying {
  readonly policy: RetryPolicy
  readonly budget: RetryBudget
  /** Told of each retry, for metrics. */
  readonly onRetry?: ((error: DatabaseError) => void) | undefined
}

/** Runs `attempt` until it succeeds, its error is not worth another, or attempts, time or budget are used up. */
export async function retried<Result>(
  attempt: (previous: DatabaseError | undefined) => Promise<Result>,
  isWorthAgain: (error: DatabaseError) => boolean,
  { policy, budget, onRetry }: Retrying,
): Promise<Result> {
  const startedAt = Date.now()
  let previous: DatabaseError | undefined
  for (let tried = 1; ; tried += 1) {
    try {
      const result = await attempt(previous)
      budget.earn()
      return result
    } catch (thrown) {
      const delay = jittered(policy.firstDelayMilliseconds * 2 ** (tried - 1))
      const isInTime = Date.now() + delay - startedAt < policy.deadlineMilliseconds
      if (!(thrown instanceof DatabaseError) || !isWorthAgain(thrown)) throw thrown
      if (tried >= policy.attempts || !isInTime || !budget.spend()) throw thrown
      previous = thrown
      onRetry?.(thrown)
      await pause(delay)
    }
  }
}

/** Between half and the whole, so that those that collided don't collide again. */
function jittered(milliseconds: number): number {
  return milliseconds * (0.5 + Math.random() / 2)
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}
