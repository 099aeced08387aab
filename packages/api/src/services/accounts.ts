import { nameKey } from '@millrace/db/schema/names'
import type { Role } from '@millrace/db/schema/schema'
import { findLoginWithin, logIn } from '@millrace/db/repositories/accounts/credentials'
import * as users from '@millrace/db/repositories/accounts/users'
import { hashPassword, isOutdated, verifyPassword } from '../auth/password.ts'
import { sha256Hex } from '../digest.ts'
import { newId } from '../ids.ts'
import { done, refuse, type Result } from '../result.ts'
import type { Context } from './context.ts'
import { countFailure, tooMany } from './limits.ts'
import { openSession, type LoggedIn } from './sessions.ts'

/** A user as the API shows one. */
export interface UserView {
  readonly id: string
  readonly username: string
  readonly email: string
  readonly role: Role
  readonly createdAt: Date
}

interface Device {
  readonly userAgent: string | null
  /** What counts against the limits. */
  readonly network: string
}

export interface Registration extends Device {
  readonly username: string
  readonly email: string
  readonly password: string
}

/** Makes an account and its first session. */
export async function register(context: Context, input: Registration): Promise<Result<LoggedIn>> {
  const { store, clock, settings } = context
  const passwordHash = await hashPassword(input.password, settings.bcryptCost)
  const createdAt = clock()
  const { username, email, network, userAgent } = input
  const user: UserView = { id: newId(createdAt), username, email, role: 'user', createdAt }
  const { session, loggedIn } = await openSession(context, user, { userAgent, at: createdAt })
  const row = { ...user, usernameKey: nameKey(username), emailKey: nameKey(email), passwordHash }
  const attempt = { id: newId(createdAt), kind: 'register', nameKey: '', network, at: createdAt } as const
  const outcome = await users.registerAccount(store, row, session, attempt)
  if (outcome.ok) return done(loggedIn)
  return outcome.refusal === 'rate_limited' ? tooMany(outcome) : refuse(outcome.refusal)
}

export interface Credentials extends Device {
  /** A username or an email. */
  readonly username: string
  readonly password: string
}

/** Opens a session. An unknown name and a wrong password look and cost the same, and count against the limits. */
export async function login(context: Context, input: Credentials): Promise<Result<LoggedIn>> {
  const { store, clock, settings } = context
  const { password, network, userAgent } = input
  const typed = nameKey(input.username)
  const nameDigest = `name:${await sha256Hex(typed)}`
  for (;;) {
    const at = clock()
    const found = await findLoginWithin(store, { nameKey: typed, nameDigest, network, at })
    if (!found.ok) return tooMany(found)
    const { user, counted, failures } = found
    const isRight = await verifyPassword(password, user?.passwordHash, settings.bcryptCost)
    if (user === undefined || !isRight) return countFailure(context, counted)
    if (user.disabledAt !== null) return refuse('account_disabled')
    const { passwordHash } = user
    const newHash = isOutdated(passwordHash, settings.bcryptCost)
      ? await hashPassword(password, settings.bcryptCost)
      : undefined
    const { session, loggedIn } = await openSession(context, viewOf(user), { userAgent, at: clock() })
    const started = await logIn(store, { userId: user.id, passwordHash, newHash, failures }, session, counted)
    // Otherwise the password, the user's standing or the limits changed since they were read: judge again.
    if (started.ok) return done(loggedIn)
  }
}

export async function getAccount({ store, caller }: Context): Promise<Result<UserView>> {
  const outcome = await users.getCaller(store, caller)
  return outcome.ok ? done(viewOf(outcome.value)) : refuse(outcome.refusal)
}

function viewOf({ id, username, email, role, createdAt }: UserView): UserView {
  return { id, username, email, role, createdAt }
}
