import { DatabaseError } from '../sql/errors.ts'
import type { Trouble } from '../sql/troubles.ts'
import { jittered, pause } from './pause.ts'

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
  let failures = 0
  let collisions = 0
  let previous: DatabaseError | undefined
  for (;;) {
    try {
      const result = await attempt(previous)
      budget.earn()
      return result
    } catch (thrown) {
      if (!(thrown instanceof DatabaseError) || !isWorthAgain(thrown) || policy.attempts <= 1) throw thrown
      const isCollision = collisionTroubles.has(thrown.trouble)
      const delay = isCollision ? delayAfter(policy, (collisions += 1)) : delayAfter(policy, (failures += 1))
      if (Date.now() + delay - startedAt >= policy.deadlineMilliseconds) throw thrown
      if (!isCollision && (failures >= policy.attempts || !budget.spend())) throw thrown
      previous = thrown
      onRetry?.(thrown)
      await pause(delay)
    }
  }
}

/**
 * What writers do to each other while nothing is wrong with the database: one of them has come through each time, so
 * those that are left are sent until the deadline, however many they are, and cost nothing of the budget.
 */
const collisionTroubles: ReadonlySet<Trouble> = new Set(['deadlock', 'lock_wait'])

const longestDelayMilliseconds = 320

function delayAfter({ firstDelayMilliseconds }: RetryPolicy, times: number): number {
  return jittered(
    Math.min(firstDelayMilliseconds * 2 ** (times - 1), Math.max(longestDelayMilliseconds, firstDelayMilliseconds)),
  )
}
