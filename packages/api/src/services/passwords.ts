import type { Outcome, UserCaller } from '@millrace/db/access/access'
import { removeAccount } from '@millrace/db/repositories/accounts/removal'
import * as credentials from '@millrace/db/repositories/accounts/credentials'
import { hashPassword, verifyPassword } from '../auth/password.ts'
import { newId } from '../ids.ts'
import { refuse, type Result } from '../result.ts'
import type { Context } from './context.ts'
import { countFailure, tooMany } from './limits.ts'

export interface PasswordChange {
  readonly currentPassword: string
  readonly newPassword: string
  readonly endsApiKeys: boolean
  readonly network: string
}

/** Sets the caller's password; every session and access token from before ends, API keys where asked. */
export async function changePassword(context: Context, change: PasswordChange): Promise<Result<void>> {
  const { store, clock, settings } = context
  const { currentPassword, newPassword, endsApiKeys, network } = change
  return withPassword(context, { password: currentPassword, network }, async (caller, passwordHash) => {
    const newHash = await hashPassword(newPassword, settings.bcryptCost)
    return credentials.changePassword(store, caller, { passwordHash, newHash, endsApiKeys, at: clock() })
  })
}

/** Deletes the caller's account, which may own no workflows. */
export async function leave(
  context: Context,
  confirmation: { readonly password: string; readonly network: string },
): Promise<Result<void>> {
  const { store, clock } = context
  return withPassword(context, confirmation, (caller, passwordHash) =>
    removeAccount(store, caller, { passwordHash, operation: `leaving:${newId(clock())}` }),
  )
}

/** Acts when the password is the caller's own; a wrong one counts as a failed log-in. */
async function withPassword(
  context: Context,
  { password, network }: { readonly password: string; readonly network: string },
  act: (caller: UserCaller, passwordHash: string) => Promise<Outcome<void, 'gone' | 'account_in_use'>>,
): Promise<Result<void>> {
  const { store, caller, clock, settings } = context
  if (caller.kind === 'anonymous') return refuse('unauthenticated')
  for (;;) {
    const found = await credentials.findOwnHash(store, caller, network, clock())
    if (!found.ok) return found.refusal === 'rate_limited' ? tooMany(found) : refuse(found.refusal)
    if (!(await verifyPassword(password, found.value, settings.bcryptCost))) {
      return countFailure(context, { nameKey: caller.userId, network })
    }
    const outcome = await act(caller, found.value)
    if (outcome.ok) return outcome
    // Otherwise the password or the caller's standing changed since they were read: judge again.
    if (outcome.refusal !== 'gone') return refuse(outcome.refusal)
  }
}
