import { nameKey } from '@millrace/db/names'
import type { Role } from '@millrace/db/schema'
import { findLoginWithin, logIn, type CountedLogin } from '@millrace/db/repositories/credentials'
import { countAttempt, type RateLimited } from '@millrace/db/repositories/login-attempts'
import type { NewSession } from '@millrace/db/repositories/sessions'
import * as users from '@millrace/db/repositories/users'
import { hashPassword, isOutdated, verifyPassword } from '../auth/password.ts'
import { newRefreshToken, refreshTokenDays } from '../auth/refresh-tokens.ts'
import { accessTokenSeconds } from '../auth/tokens.ts'
import { sha256Hex } from '../digest.ts'
import { newId } from '../ids.ts'
import { done, refuse, type Refused, type Result } from '../result.ts'
import type { Context } from './context.ts'

/** A user as the API shows one. */
export interface UserView {
  readonly id: string
  readonly username: string
  readonly email: string
  readonly role: Role
  readonly createdAt: Date
}

/** What a caller has after it logged in. */
export interface LoggedIn {
  readonly user: UserView
  readonly accessToken: string
  readonly refreshToken: string
  readonly expiresInSeconds: number
}

interface Device {
  readonly userAgent: string | null
  /** What counts against the limits. */
  readonly network: string
}

const maxUserAgentLength = 512

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
  const { username, email, network } = input
  const user: UserView = { id: newId(createdAt), username, email, role: 'user', createdAt }
  const { session, loggedIn } = await openSession(context, user, input, createdAt)
  const row = { ...user, usernameKey: nameKey(username), emailKey: nameKey(email), passwordHash }
  const attempt = { id: newId(createdAt), kind: 'register', nameKey: '', network, at: createdAt } as const
  const outcome = await users.registerAccount(store, row, session, attempt)
  if (outcome.ok) return done(loggedIn)
  return outcome.refusal === 'rate_limited' ? tooMany(outcome) : refuse(outcome.refusal)
}

function tooMany({ retryAfterSeconds }: RateLimited): Refused {
  return refuse('rate_limited', { retryAfterSeconds })
}

export interface Credentials extends Device {
  /** A username or an email. */
  readonly username: string
  readonly password: string
}

/** Opens a session. An unknown name and a wrong password look and cost the same, and count against the limits. */
export async function login(context: Context, input: Credentials): Promise<Result<LoggedIn>> {
  const { store, clock, settings } = context
  const { password, network } = input
  const typed = nameKey(input.username)
  const nameDigest = `name:${await sha256Hex(typed)}`
  for (;;) {
    const at = clock()
    const found = await findLoginWithin(store, { nameKey: typed, nameDigest, network, at })
    if (!found.ok) return tooMany(found)
    const { user, counted } = found
    const isRight = await verifyPassword(password, user?.passwordHash, settings.bcryptCost)
    if (user === undefined || !isRight) return countFailure(context, counted)
    if (user.disabledAt !== null) return refuse('account_disabled')
    const { passwordHash } = user
    const newHash = isOutdated(passwordHash, settings.bcryptCost)
      ? await hashPassword(password, settings.bcryptCost)
      : undefined
    const { session, loggedIn } = await openSession(context, viewOf(user), input, clock())
    const started = await logIn(store, { userId: user.id, passwordHash, newHash }, session, counted)
    // Otherwise the password, the user's standing or the limits changed since they were read: judge again.
    if (started.ok) return done(loggedIn)
  }
}

async function countFailure({ store, clock }: Context, counted: CountedLogin): Promise<Refused> {
  const at = clock()
  const limited = await countAttempt(store, { id: newId(at), kind: 'login', ...counted, at })
  return limited === undefined ? refuse('invalid_credentials') : tooMany(limited)
}

export async function getAccount({ store, caller }: Context): Promise<Result<UserView>> {
  const outcome = await users.getCaller(store, caller)
  return outcome.ok ? done(viewOf(outcome.value)) : refuse(outcome.refusal)
}

function viewOf({ id, username, email, role, createdAt }: UserView): UserView {
  return { id, username, email, role, createdAt }
}

async function openSession({ tokens }: Context, user: UserView, { userAgent }: Device, at: Date) {
  const refreshToken = await newRefreshToken()
  const familyId = newId(at)
  const session: NewSession = {
    id: newId(at),
    familyId,
    userId: user.id,
    refreshSha256: refreshToken.sha256,
    userAgent: userAgent?.slice(0, maxUserAgentLength) ?? null,
    createdAt: at,
    expiresAt: new Date(at.getTime() + refreshTokenDays * 86_400_000),
  }
  const loggedIn: LoggedIn = {
    user,
    accessToken: await tokens.issue(user.id, familyId, at),
    refreshToken: refreshToken.text,
    expiresInSeconds: accessTokenSeconds,
  }
  return { session, loggedIn }
}
