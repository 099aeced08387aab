import { takeBack, type RateLimited } from '@millrace/db/repositories/accounts/login-attempts'
import type { AttemptKind, RateLimitName } from '@millrace/db/repositories/accounts/rate-limits'
import { refuse, type Refused } from '../result.ts'
import type { Context } from './context.ts'

const attempts: Readonly<Record<AttemptKind, string>> = {
  login: 'failed log-ins',
  recover: 'requests for a new password',
  lookup: 'unknown usernames',
  register: 'registrations',
  share: 'new shares',
}

const scopesOf: Readonly<Record<RateLimitName, string>> = {
  registrations: 'from one network within an hour',
  login_name_network: 'for one name from one network within 15 minutes',
  login_name: 'for one name within 15 minutes',
  login_network: 'from one network within 15 minutes',
  shares: 'by one user within an hour',
}

/** A 429, which says which limit it is, of what, and until when. */
export function tooMany({ kind, reached, until, retryAfterSeconds }: RateLimited): Refused {
  const { name, most } = reached
  const limit = `${most} ${attempts[kind]} ${scopesOf[name]}`
  const detail = `The limit \`${name}\` is reached: ${limit}. Try again after ${until.toISOString()}.`
  return refuse('rate_limited', { detail, retryAfterSeconds })
}

/** Undoes the count of an attempt that was neither a failure nor a success. */
export async function uncount({ store }: Context, attemptId: string): Promise<void> {
  await takeBack(store, { id: attemptId })
}
