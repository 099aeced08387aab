import { nameKey } from '@millrace/db/names'
import type { Role } from '@millrace/db/schema'
import { startSession, type NewSession } from '@millrace/db/repositories/sessions'
import * as users from '@millrace/db/repositories/users'
import { hashPassword, verifyPassword } from '../auth/password.ts'
import { newRefreshToken, refreshTokenDays } from '../auth/refresh-tokens.ts'
import { accessTokenSeconds } from '../auth/tokens.ts'
import { newId } from '../ids.ts'
import { done, refuse, type Result } from '../result.ts'
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
  const { username, email } = input
  const user: UserView = { id: newId(createdAt), username, email, role: 'user', createdAt }
  const { session, loggedIn } = await openSession(context, user, input, createdAt)
  const row = { ...user, usernameKey: nameKey(username), emailKey: nameKey(email), passwordHash }
  const outcome = await users.registerUser(store, row, session)
  return outcome.ok ? done(loggedIn) : refuse(outcome.refusal)
}

export interface Credentials extends Device {
  /** A username or an email. */
  readonly username: string
  readonly password: string
}

/** Opens a session. An unknown name and a wrong password look and cost the same. */
export async function login(context: Context, input: Credentials): Promise<Result<LoggedIn>> {
  const { store, clock, settings } = context
  const found = await users.findLogin(store, nameKey(input.username))
  const isRight = await verifyPassword(input.password, found?.passwordHash, settings.bcryptCost)
  if (found === undefined || !isRight) return refuse('invalid_credentials')
  if (found.disabledAt !== null) return refuse('account_disabled')
  const { session, loggedIn } = await openSession(context, viewOf(found), input, clock())
  await startSession(store, session)
  return done(loggedIn)
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
