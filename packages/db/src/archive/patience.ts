import type { DatabaseError } from '../sql/errors.ts'
import { createRetryBudget, type Retrying } from '../store/retry.ts'

/** A long move outlives a short absence of the database. */
export const patience: Retrying = {
  policy: { attempts: 8, firstDelayMilliseconds: 100, deadlineMilliseconds: 60_000 },
  budget: createRetryBudget(100),
}

export function isWorthAgain({ fault }: DatabaseError): boolean {
  return fault === 'database_unreachable' || fault === 'database_busy' || fault === 'database_timeout'
}
