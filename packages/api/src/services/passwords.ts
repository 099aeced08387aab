import type { Outcome, UserCaller } from '@millrace/db/access/access'
import { removeAccount } from '@millrace/db/repositories/accounts/removal'
import * as credentials from '@millrace/db/repositories/accounts/credentials'
import { hashPassword, verifyPassword } from '../auth/password.ts'
import { newId } from '../ids.ts'
import { refuse, type Result } from '../result.ts'
import type { UserContext } from './context.ts'
import { tooMany, uncount } from './limits.ts'

export interface PasswordChange {
  readonly currentPassword: string
  readonly newPassword: string
  readonly endsApiKeys: boolean
  readonly network: string
}

/** Sets the caller's password; every session and access token from before ends, API keys where asked. */
export async function changePassword(context: UserContext, change: PasswordChange): Promise<Result<void>> {
  const { store, clock, settings } = context
  const { currentPassword, newPassword, endsApiKeys, network } = change
  return withPassword(context, currentPassword, async (caller, passwordHash) => {
    const newHash = await hashPassword(newPassword, settings.bcryptCost)
    const at = clock()
    const wanted = { passwordHash, newHash, endsApiKeys, eventId: newId(at), network, at }
    return credentials.changePassword(store, caller, wanted)
  })
}

/** Deletes the caller's account, which may own no workflows. */
export async function leave(
  context: UserContext,
  confirmation: { readonly password: string; readonly network: string },
): Promise<Result<void>> {
  const { store, clock } = context
  return withPassword(context, confirmation.password, (caller, passwordHash) => {
    const at = clock()
    return removeAccount(store, caller, { passwordHash, eventId: newId(at), at })
  })
}

/** Acts when the password is the caller's own; a wrong one counts as a failed log-in, before it is looked at. */
async function withPassword(
  context: UserContext,
  password: string,
  act: (caller: UserCaller, passwordHash: string) => Promise<Outcome<void, 'gone' | 'account_in_use'>>,
): Promise<Result<void>> {
  const { store, caller, origin, clock, settings } = context
  for (;;) {
    const at = clock()
    const check = { id: newId(at), eventId: newId(at), origin, rates: settings.rateLimits, at }
    const begun = await credentials.beginPasswordCheck(store, caller, check)
    if (!begun.ok) return begun.refusal === 'rate_limited' ? tooMany(begun) : begun
    if (!(await verifyPassword(password, begun.value, settings.bcryptCost))) return refuse('invalid_credentials')
    const outcome = await act(caller, begun.value)
    if (outcome.ok) return outcome
    // Its count is taken back: the password was right.
    await uncount(context, check.id)
    // Otherwise the password or the caller's standing changed since they were read: judge again.
    if (outcome.refusal !== 'gone') return refuse(outcome.refusal)
  }
}
