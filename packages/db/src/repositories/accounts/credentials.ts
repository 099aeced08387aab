import { eq, isNull, lte, or, sql, type SQL } from 'drizzle-orm'
import { callerLocks } from '../../access/caller-locks.ts'
import {
  all,
  done,
  isAnchor,
  isThisCaller,
  refused,
  standingOf,
  type Origin,
  type Outcome,
  type UserCaller,
  restoreError,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import { isNotRestoring, mayAct, hasCredential } from '../../access/conditions.ts'
import type { Store } from '../../store/store.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, recordEvent } from '../audit/event.ts'
import { refuseAttempt } from './limited-logins.ts'
import {
  attemptQuery,
  clearAttempts,
  countFields,
  rateLimitOf,
  recordAttempt,
  type Attempt,
  type RateLimited,
} from './login-attempts.ts'
import type { RateLimits } from './rate-limits.ts'
import { insertSession, type NewSession } from './sessions.ts'
import { loginFields, type LoginRow } from './users.ts'
import { fromCaller } from '../../access/reads.ts'
import { existsIn } from '../../sql/exists.ts'
import { isJoined } from '../../sql/joined.ts'

/* Passwords: an attempt is counted before the password is looked at, and a right one takes its count back. */

/** A check of a password, which counts as failed until it succeeds. */
export interface PasswordCheck {
  readonly id: string
  /** Of the event that the user is limited, where that is so. */
  readonly eventId: string
  readonly origin: Origin
  readonly rates: RateLimits
  readonly at: Date
}

/** Who tries to log in, and from where. */
export interface LoginAttempt extends PasswordCheck {
  /** Of the typed name, as `nameKey` gives it: a username or an email. */
  readonly nameKey: string
  /** Counted by where nobody has the name; it can't be any user's id. */
  readonly nameDigest: string
}

/** Whose failures count together: a user's whichever of its names was typed. */
export interface CountedLogin {
  readonly nameKey: string
  readonly network: string
}

export interface BegunLogin {
  readonly ok: true
  readonly user: LoginRow | undefined
  readonly counted: CountedLogin
}

/**
 * Counts a log-in as failed until it succeeds, and finds the user of that name or email; refused where the limits are
 * passed. The same statements and as many round trips whoever has the name. Where one's name is another's email,
 * the name counts.
 */
export async function beginLogin(store: Store, login: LoginAttempt): Promise<BegunLogin | RateLimited> {
  const { dialect } = store
  const { id, nameDigest, origin, rates, at } = login
  const { network } = origin
  const nameKey = sql`coalesce(${userOfName(dialect, login.nameKey)}, ${nameDigest})`
  const attempt: Attempt = { id, kind: 'login', nameKey, network, rates, at }
  const { isOpen, rows } = await store.apply({
    locks: [],
    gate: recordAttempt(dialect, attempt, isNotRestoring(dialect)),
    answer: loginQuery(dialect, login.nameKey, attempt),
    proof: attemptQuery(dialect, { id }),
  })
  if (!isOpen) throw restoreError()
  const found = rows.find((row) => row.usernameKey === login.nameKey) ?? rows[0]
  const user = isJoined<LoginRow>('id')(found) ? found : undefined
  const limited = found === undefined ? undefined : rateLimitOf(attempt, found, at, { isRecorded: true })
  if (limited !== undefined) {
    await refuseAttempt(store, { id, eventId: login.eventId, userId: user?.id, origin, limited, at })
    return limited
  }
  return { ok: true, user, counted: { nameKey: user?.id ?? nameDigest, network } }
}

/** The id of the user whose name or email it is, as a subquery. */
function userOfName({ builder, tables: { users } }: Dialect, nameKey: string): SQL {
  const user = builder
    .select({ id: users.id })
    .from(users)
    .where(or(eq(users.usernameKey, nameKey), eq(users.emailKey, nameKey)))
    .orderBy(sql`case when ${eq(users.usernameKey, nameKey)} then 0 else 1 end`)
    .limit(1)
  return sql`(${user})`
}

function loginQuery(dialect: Dialect, nameKey: string, attempt: Attempt) {
  const { builder, tables } = dialect
  const { users, marks } = tables
  const select = builder
    .select({ ...loginFields(dialect), ...countFields(dialect, attempt, attempt.at) })
    .from(marks)
    .leftJoin(users, or(eq(users.usernameKey, nameKey), eq(users.emailKey, nameKey)))
    .where(isAnchor(dialect))
  return buildQuery(select)
}

/** A password that was found right, and what to do about it. */
export interface RightPassword {
  readonly userId: string
  /** The hash that it was right by: when another one is there by now, it is no longer right. */
  readonly passwordHash: string
  /** In its place, where the cost or kind has changed. */
  readonly newHash: string | undefined
  readonly origin: Origin
}

/**
 * Starts a session for a right password, whose event has its first token's id, and forgets the failures that it makes good. `gone` when the password or the
 * user's standing has changed since it was read: then it is to be judged again.
 */
export async function logIn(
  store: Store,
  { userId, passwordHash, newHash, origin }: RightPassword,
  session: NewSession,
  counted: CountedLogin,
): Promise<Outcome<void, 'gone'>> {
  const { dialect } = store
  const { users } = dialect.tables
  const at = session.createdAt
  const event = recordEvent(dialect, {
    ...{ id: session.id, at, type: 'user.logged_in', origin, ownerId: userId },
    actor: { kind: 'user', userId, id: session.familyId },
    subject: { type: 'user', id: userId },
  })
  const { isOpen } = await store.apply({
    locks: [rowLock(dialect, 'users', newHash === undefined ? 'share' : 'no key update', eq(users.id, userId))],
    gate: insertSession(dialect, session, at, all(isNotRestoring(dialect), hasHash(dialect, userId, passwordHash))),
    effects: [
      clearAttempts(dialect, { kind: 'login', ...counted }),
      ...(newHash === undefined ? [] : [setHash(dialect, userId, { passwordHash: newHash })]),
      event,
    ],
    // Not its row: the session may have ended already.
    proof: eventQuery(dialect, session.id),
  })
  return isOpen ? done(undefined) : refused('gone')
}

function hasHash({ builder, tables: { users } }: Dialect, userId: string, passwordHash: string): SQL {
  return existsIn(
    { builder },
    users,
    eq(users.id, userId),
    eq(users.passwordHash, passwordHash),
    isNull(users.disabledAt),
  )
}

function setHash({ builder, tables: { users } }: Dialect, userId: string, set: { passwordHash: string }): Statement {
  return buildStatement(builder.update(users).set(set).where(eq(users.id, userId)))
}

/** Counts a check as a failed log-in until it succeeds, and gives the caller's hash, unless the limits are passed. */
export async function beginPasswordCheck(
  store: Store,
  caller: UserCaller,
  { id, eventId, origin, rates, at }: PasswordCheck,
): Promise<Outcome<string> | RateLimited> {
  const { dialect } = store
  const { network } = origin
  const attempt: Attempt = { id, kind: 'login', nameKey: caller.userId, network, rates, at }
  const { isOpen, rows } = await store.apply({
    locks: callerLocks(dialect, caller),
    gate: recordAttempt(dialect, attempt, mayAct(dialect, caller)),
    answer: ownHashQuery(dialect, caller, attempt),
    proof: attemptQuery(dialect, { id }),
  })
  const [row] = isOpen ? rows : await store.read(ownHashQuery(dialect, caller, attempt))
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  if (row === undefined || row.passwordHash === null) return refused('unauthenticated')
  const limited = rateLimitOf(attempt, row, at, { isRecorded: true })
  if (limited === undefined) return done(row.passwordHash)
  await refuseAttempt(store, { id, eventId, userId: caller.userId, origin, limited, at })
  return limited
}

function ownHashQuery(dialect: Dialect, caller: UserCaller, attempt: Attempt) {
  const { users } = dialect.tables
  const select = fromCaller(dialect, isThisCaller(dialect, caller), {
    fields: { passwordHash: users.passwordHash, ...countFields(dialect, attempt, attempt.at) },
  })
  return buildQuery(select)
}

export interface PasswordChange {
  /** That the current password was right by. */
  readonly passwordHash: string
  readonly newHash: string
  readonly endsApiKeys: boolean
  readonly eventId: string
  readonly network: string
  readonly at: Date
}

/**
 * Sets the caller's password and ends every session and access token from before. `gone` when the password or the
 * caller's standing has changed since it was read.
 */
export async function changePassword(
  store: Store,
  caller: UserCaller,
  { passwordHash, newHash, endsApiKeys, eventId, network, at }: PasswordChange,
): Promise<Outcome<void, 'gone'>> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { users, apiKeys } = tables
  const { userId } = caller
  const change = builder
    .update(users)
    .set({ passwordHash: newHash, tokensValidFrom: at, updatedAt: at })
    .where(isOwnRow(dialect, caller, passwordHash))
  const event = callerEvent(dialect, caller, {
    ...{ id: eventId, at, type: 'user.password_changed', ownerId: userId },
    subject: { type: 'user', id: userId },
    data: { endApiKeys: endsApiKeys },
  })
  const { isOpen } = await store.apply({
    locks: callerLocks(dialect, caller, 'no key update'),
    gate: buildStatement(change),
    effects: [
      ...endEverySession(dialect, userId),
      ...(endsApiKeys ? [buildStatement(builder.delete(apiKeys).where(eq(apiKeys.userId, userId)))] : []),
      clearAttempts(dialect, { kind: 'login', nameKey: userId, network }),
      recordEvent(dialect, event),
    ],
    proof: eventQuery(dialect, eventId),
  })
  return isOpen ? done(undefined) : refused('gone')
}

/** The effects of a new password: no session goes on, and no token sets another one. The user's row must be locked. */
export function endEverySession({ builder, tables }: Dialect, userId: string): readonly Statement[] {
  const { sessions, passwordResets } = tables
  return [
    buildStatement(builder.delete(sessions).where(eq(sessions.userId, userId))),
    buildStatement(builder.delete(passwordResets).where(eq(passwordResets.userId, userId))),
  ]
}

/** The condition in an update of `users` that the caller may act and has that password: MySQL reads no table twice there. */
export function isOwnRow(dialect: Dialect, caller: UserCaller, passwordHash: string): SQL {
  const { users } = dialect.tables
  return all(
    eq(users.id, caller.userId),
    eq(users.passwordHash, passwordHash),
    isNull(users.disabledAt),
    lte(users.tokensValidFrom, caller.issuedAt),
    hasCredential(dialect, caller),
    isNotRestoring(dialect),
  )
}
