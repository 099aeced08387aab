import { nameKey } from '@millrace/db/schema/names'
import { beginLogin, logIn } from '@millrace/db/repositories/accounts/credentials'
import * as users from '@millrace/db/repositories/accounts/users'
import { hashPassword, isOutdated, verifyPassword } from '../auth/password.ts'
import { sha256Hex } from '../digest.ts'
import { newId } from '../ids.ts'
import { done, refuse, type Result } from '../result.ts'
import type { Context } from './context.ts'
import { tooMany, uncount } from './limits.ts'
import { beginOfTokens, openSession, type LoggedIn, type UserView } from './sessions.ts'

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

/**
 * Makes an account and its first session. Limits and names that are taken are found before the password is hashed: who
 * may not register costs no hash.
 */
export async function register(context: Context, input: Registration): Promise<Result<LoggedIn>> {
  const { store, origin, clock, settings } = context
  const { username, email, network, userAgent } = input
  const names = { username, usernameKey: nameKey(username), email, emailKey: nameKey(email) }
  const begunAt = clock()
  const { rateLimits: rates } = settings
  const attempt = { id: newId(begunAt), kind: 'register', nameKey: '', network, rates, at: begunAt } as const
  const begun = await users.beginRegistration(store, names, attempt)
  if (!begun.ok) return begun.refusal === 'rate_limited' ? tooMany(begun) : begun
  const passwordHash = await hashPassword(input.password, settings.bcryptCost)
  const createdAt = clock()
  const user: UserView = { id: newId(createdAt), username, email, role: 'user', createdAt }
  const { session, loggedIn } = openSession(user, { userAgent, at: createdAt })
  const row = { ...user, ...names, passwordHash }
  const outcome = await users.registerAccount(store, { user: row, session, origin })
  return outcome.ok ? done(loggedIn) : outcome
}

export interface Credentials extends Device {
  /** A username or an email. */
  readonly username: string
  readonly password: string
}

/**
 * Opens a session. An unknown name and a wrong password look and cost the same. Each attempt counts against the limits
 * before its password is looked at, so that as many at once learn no more; success takes the count back.
 */
export async function login(context: Context, input: Credentials): Promise<Result<LoggedIn>> {
  const { store, origin, clock, settings } = context
  const { password, userAgent } = input
  const { bcryptCost, rateLimits: rates } = settings
  const typed = nameKey(input.username)
  const nameDigest = `name:${sha256Hex(typed)}`
  for (;;) {
    const at = clock()
    const attempt = { id: newId(at), eventId: newId(at), nameKey: typed, nameDigest, origin, rates, at }
    const begun = await beginLogin(store, attempt)
    if (!begun.ok) return tooMany(begun)
    const { user, counted } = begun
    const isRight = await verifyPassword(password, user?.passwordHash, bcryptCost)
    if (user === undefined || !isRight) return refuse('invalid_credentials')
    if (user.disabledAt !== null) {
      await uncount(context, attempt.id)
      return refuse('account_disabled')
    }
    const { passwordHash } = user
    const newHash = isOutdated(passwordHash, bcryptCost) ? await hashPassword(password, bcryptCost) : undefined
    const startedAt = beginOfTokens(clock(), user.tokensValidFrom)
    const { session, loggedIn } = openSession(viewOf(user), { userAgent, at: startedAt })
    const right = { userId: user.id, passwordHash, newHash, origin }
    const started = await logIn(store, right, session, counted)
    // Otherwise the password or the user's standing changed since they were read: judge again.
    if (started.ok) return done(loggedIn)
  }
}

export async function getAccount({ store, caller }: Context): Promise<Result<UserView>> {
  const outcome = await users.getCaller(store, caller)
  return outcome.ok ? done(viewOf(outcome.value)) : outcome
}

function viewOf({ id, username, email, role, createdAt }: UserView): UserView {
  return { id, username, email, role, createdAt }
}
