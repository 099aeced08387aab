import type { CountedLogin } from '@millrace/db/repositories/accounts/credentials'
import { countAttempt, type RateLimited } from '@millrace/db/repositories/accounts/login-attempts'
import { newId } from '../ids.ts'
import { refuse, type Refused } from '../result.ts'
import type { Context } from './context.ts'

export function tooMany({ retryAfterSeconds }: RateLimited): Refused {
  return refuse('rate_limited', { retryAfterSeconds })
}

/** Counts a wrong password; beyond the limits it is refused for that, and tells nothing of the password. */
export async function countFailure({ store, clock }: Context, counted: CountedLogin): Promise<Refused> {
  const at = clock()
  const limited = await countAttempt(store, { id: newId(at), kind: 'login', ...counted, at })
  return limited === undefined ? refuse('invalid_credentials') : tooMany(limited)
}
