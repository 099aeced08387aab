import type { UserView as StoredUser } from '@millrace/db/repositories/accounts/users'
import * as sessions from '@millrace/db/repositories/accounts/sessions'
import type { NewSession, RefreshRow, SessionView } from '@millrace/db/repositories/accounts/sessions'
import { newOpaqueToken, refreshTokenDays } from '../auth/opaque-tokens.ts'
import type { CursorScope } from '../cursor.ts'
import { sha256Hex } from '../digest.ts'
import { newId } from '../ids.ts'
import { done, refuse, refusedBy, type Refused, type Result } from '../result.ts'
import type { Context, UserContext } from './context.ts'
import { pageOf, readKeyset, startOf, type Page, type PageQuery } from './paging.ts'
import { checkCaller } from './standing.ts'

/** A user as the API shows one. */
export type UserView = Omit<StoredUser, 'disabledAt'>

/** A session of a user, as it began or went on. */
export interface LoggedIn {
  readonly user: UserView
  readonly sessionId: string
  readonly refreshToken: string
  readonly at: Date
}

const maxUserAgentLength = 512

/** A family of refresh tokens: its first one, or the next. */
export interface Family {
  readonly id: string
  readonly startedAt: Date
}

/** A new refresh token for a user, and the row that is to be stored for it. */
export function openSession(
  user: UserView,
  { userAgent, at, family }: { readonly userAgent: string | null; readonly at: Date; readonly family?: Family },
): { readonly session: NewSession; readonly loggedIn: LoggedIn } {
  const refreshToken = newOpaqueToken()
  const familyId = family?.id ?? newId(at)
  const session: NewSession = {
    id: newId(at),
    familyId,
    userId: user.id,
    refreshSha256: refreshToken.sha256,
    userAgent: userAgent?.slice(0, maxUserAgentLength) ?? null,
    createdAt: family?.startedAt ?? at,
    expiresAt: new Date(at.getTime() + refreshTokenDays * 86_400_000),
  }
  return { session, loggedIn: { user, sessionId: familyId, refreshToken: refreshToken.text, at } }
}

/**
 * When a session's next tokens begin: now, or when the user's tokens begin to be valid, where the function that set the
 * password has a clock that is ahead. Tokens that began before would never work.
 */
export function beginOfTokens(now: Date, tokensValidFrom: Date): Date {
  return now < tokensValidFrom ? tokensValidFrom : now
}

const unknownToken = 'This refresh token is not valid: its session has ended. Log in again.'

/**
 * Gives a new pair for a refresh token, which works once: one that is used again has been stolen, or its successor has,
 * so that its whole family ends.
 */
export async function refresh(
  context: Context,
  { refreshToken, userAgent }: { readonly refreshToken: string; readonly userAgent: string | null },
): Promise<Result<LoggedIn>> {
  const { store, clock } = context
  const refreshSha256 = sha256Hex(refreshToken)
  for (;;) {
    const at = clock()
    const used = await sessions.findRefresh(store, refreshSha256)
    if (used === undefined) return refuse('unauthenticated', { detail: unknownToken })
    const refused = await refusalOf(context, used, refreshSha256, at)
    if (refused !== undefined) return refused
    const family = { id: used.familyId, startedAt: used.createdAt }
    const begunAt = beginOfTokens(at, used.tokensValidFrom)
    const { session, loggedIn } = openSession(userOf(used), { userAgent, at: begunAt, family })
    const rotated = await sessions.rotateRefresh(store, used, session, begunAt)
    // Otherwise another request was first, or the user's standing changed: judge again.
    if (rotated.ok) return done(loggedIn)
  }
}

async function refusalOf(
  { store, origin }: Context,
  used: RefreshRow,
  refreshSha256: string,
  at: Date,
): Promise<Refused | undefined> {
  if (used.replacedAt !== null) {
    const hasEnded = await sessions.endFamily(store, used, { eventId: newId(at), origin, at })
    // Otherwise it had ended before: by a reuse, or in a way that leaves none of its tokens known.
    const isKnown = hasEnded || (await sessions.findRefresh(store, refreshSha256)) !== undefined
    return isKnown ? refuse('token_reused') : refuse('unauthenticated', { detail: unknownToken })
  }
  if (used.tokensValidFrom > used.lastUsedAt) return refuse('unauthenticated', { detail: unknownToken })
  if (used.expiresAt <= at) return refuse('token_expired', { detail: 'The refresh token has expired: log in again.' })
  return used.disabledAt === null ? undefined : refuse('account_disabled')
}

function userOf({ userId, username, email, role, userCreatedAt }: RefreshRow): UserView {
  return { id: userId, username, email, role, createdAt: userCreatedAt }
}

/** Ends the family of a refresh token; one of nobody is as good as ended. */
export async function logout({ store, origin, clock }: Context, refreshToken: string): Promise<Result<void>> {
  const at = clock()
  await sessions.logOut(store, sha256Hex(refreshToken), { eventId: newId(at), origin, at })
  return done(undefined)
}

export type ListedSession = SessionView & { readonly current: boolean }

/** A page of the caller's sessions, newest first. */
export async function listSessions(
  context: UserContext,
  { limit, cursor }: PageQuery,
): Promise<Result<Page<ListedSession>>> {
  const { store, caller, clock, sessionId } = context
  const cursors: CursorScope = { list: 'sessions', filters: {}, userId: caller.userId }
  const start = await startOf(cursors, cursor, readKeyset, () => checkCaller(context))
  if (!start.ok) return start
  const outcome = await sessions.listSessions(store, caller, { limit, at: clock(), after: start.value })
  if (!outcome.ok) return outcome
  const listed = outcome.value.map((session) => ({ ...session, current: session.id === sessionId }))
  return done(pageOf(cursors, listed, limit, (session) => [session.createdAt.getTime(), session.id]))
}

/** Ends one of the caller's sessions. */
export function removeSession({ store, caller, clock }: UserContext, id: string): Promise<Result<void>> {
  const at = clock()
  return sessions.deleteSession(store, caller, id, { eventId: newId(at), at })
}

/** Why the caller can't end a session; undefined when it can. */
export async function checkSession({ store, caller }: UserContext, id: string): Promise<Refused | undefined> {
  return refusedBy(await sessions.checkSession(store, caller, id))
}
