import { and, eq, exists, isNull, or, sql, type SQL } from 'drizzle-orm'
import {
  all,
  done,
  hasCredential,
  isAnchor,
  isThisCaller,
  refused,
  standingFields,
  standingOf,
  type Outcome,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, buildStatement, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import {
  clearAttempts,
  countFields,
  isWithinLimits,
  rateLimitOf,
  type CountRow,
  type RateLimited,
} from './login-attempts.ts'
import { isNotRestoring, restoreError } from '../../store/restore-mark.ts'
import { insertSession, sessionExistsQuery, type NewSession } from './sessions.ts'
import type { LoginRow } from './users.ts'

/* Passwords: what is read to check one, and what a right one allows. */

/** Who tries to log in, and from where. */
export interface LoginAttempt {
  /** Of the typed name, as `nameKey` gives it: a username or an email. */
  readonly nameKey: string
  /** Counted by where nobody has the name; it can't be any user's id. */
  readonly nameDigest: string
  readonly network: string
  readonly at: Date
}

/** Whose failures count together: a user's whichever of its names was typed. */
export interface CountedLogin {
  readonly nameKey: string
  readonly network: string
}

export interface FoundLogin {
  readonly ok: true
  readonly user: LoginRow | undefined
  readonly counted: CountedLogin
  /** Failures of the name from the network, so far. */
  readonly failures: number
}

/**
 * The user of that name or email, unless the limits of log-ins are reached. Where one's name is another's email, the
 * name counts.
 */
export async function findLoginWithin(store: Store, login: LoginAttempt): Promise<FoundLogin | RateLimited> {
  const rows = await store.read(loginQuery(store.dialect, login))
  if (rows.some(({ restore }) => restore !== null)) throw restoreError()
  const found = rows.find((row) => row.usernameKey === login.nameKey) ?? rows[0]
  const limited = found === undefined ? undefined : rateLimitOf('login', found, login.at, { isRecorded: false })
  if (limited !== undefined) return limited
  const user = found !== undefined && isWhole(found) ? found : undefined
  const counted = { nameKey: user?.id ?? login.nameDigest, network: login.network }
  return { ok: true, user, counted, failures: found?.count1 ?? 0 }
}

function loginQuery(dialect: Dialect, { nameKey, nameDigest, network, at }: LoginAttempt) {
  const { builder, tables } = dialect
  const { users, marks } = tables
  const counted = sql`coalesce(${users.id}, ${nameDigest})`
  const select = builder
    .select({
      restore: marks.value,
      ...loginFields(dialect),
      ...countFields(dialect, { kind: 'login', nameKey: counted, network }, at),
    })
    .from(marks)
    .leftJoin(users, or(eq(users.usernameKey, nameKey), eq(users.emailKey, nameKey)))
    .where(isAnchor(dialect))
  return buildQuery(select)
}

function loginFields({ tables: { users } }: Dialect) {
  return {
    id: users.id,
    username: users.username,
    usernameKey: users.usernameKey,
    email: users.email,
    role: users.role,
    createdAt: users.createdAt,
    disabledAt: users.disabledAt,
    passwordHash: users.passwordHash,
    tokensValidFrom: users.tokensValidFrom,
  }
}

function isWhole<Row extends { readonly id: string | null }>(row: Row): row is Row & LoginRow {
  return row.id !== null
}

/** A password that was found right, and what to do about it. */
export interface RightPassword {
  readonly userId: string
  /** The hash that it was right by: when another one is there by now, it is no longer right. */
  readonly passwordHash: string
  /** In its place, where the cost or kind has changed. */
  readonly newHash: string | undefined
  /** How many failures it makes good. */
  readonly failures: number
}

/**
 * Starts a session for a right password and forgets the failures that it made good. `gone` when the password, the
 * user's standing or the limits have changed since it was read: then it is to be judged again.
 */
export async function logIn(
  store: Store,
  { userId, passwordHash, newHash, failures }: RightPassword,
  session: NewSession,
  counted: CountedLogin,
): Promise<Outcome<void, 'gone'>> {
  const { dialect } = store
  const at = session.createdAt
  const condition = all(
    isNotRestoring(dialect),
    hasHash(dialect, userId, passwordHash),
    isWithinLimits(dialect, { kind: 'login', ...counted }, at, { isRecorded: false }),
  )
  const isStarted = hasSession(dialect, session.id)
  const start = insertSession(dialect, session, at, condition)
  const applied = sessionExistsQuery(dialect, { id: session.id })
  const afterwards = [
    ...(failures === 0 ? [] : [clearAttempts(dialect, { kind: 'login', ...counted }, isStarted)]),
    ...(newHash === undefined ? [] : [replaceHash(dialect, userId, passwordHash, newHash, isStarted)]),
  ]
  // Where a batch is a transaction of several trips, the rest follows by itself: it needs not be atomic, and in one
  // transaction with the count, which MySQL locks, two log-ins of one name would deadlock.
  const [first, rest] = dialect.readsWithWrites ? [[start, ...afterwards], []] : [[start], afterwards]
  const { affected } = await store.write({ writes: first, applied })
  if (affected[0] !== 1) return refused('gone')
  // Doing either twice is as doing it once: after a lost answer it is sent again without a look.
  const neverDone = sessionExistsQuery(dialect, { id: '' })
  for (const statement of rest) await store.write({ writes: [statement], applied: neverDone })
  return done(undefined)
}

function hasHash({ builder, tables: { users } }: Dialect, userId: string, passwordHash: string): SQL {
  return exists(
    builder
      .select({ one: sql`1` })
      .from(users)
      .where(and(eq(users.id, userId), eq(users.passwordHash, passwordHash), isNull(users.disabledAt))),
  )
}

function hasSession({ builder, tables: { sessions } }: Dialect, id: string): SQL {
  return exists(
    builder
      .select({ one: sql`1` })
      .from(sessions)
      .where(eq(sessions.id, id)),
  )
}

function replaceHash(
  { builder, tables: { users } }: Dialect,
  userId: string,
  passwordHash: string,
  newHash: string,
  condition: SQL,
): Statement {
  const update = builder
    .update(users)
    .set({ passwordHash: newHash })
    .where(and(eq(users.id, userId), eq(users.passwordHash, passwordHash), condition))
  return buildStatement(update)
}

/** The caller's own password hash, unless the limits of log-ins are reached. */
export async function findOwnHash(
  store: Store,
  caller: UserCaller,
  network: string,
  at: Date,
): Promise<Outcome<string> | RateLimited> {
  const { dialect } = store
  const { marks, users } = dialect.tables
  const query = buildQuery(
    dialect.builder
      .select({
        ...standingFields(dialect),
        passwordHash: users.passwordHash,
        ...countFields(dialect, { kind: 'login', nameKey: caller.userId, network }, at),
      })
      .from(marks)
      .leftJoin(users, isThisCaller(dialect, caller))
      .where(isAnchor(dialect)),
  )
  const [row] = await store.read(query)
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  if (row === undefined || row.passwordHash === null) return refused('unauthenticated')
  return rateLimitOf('login', row satisfies CountRow, at, { isRecorded: false }) ?? done(row.passwordHash)
}

export interface PasswordChange {
  /** That the current password was right by. */
  readonly passwordHash: string
  readonly newHash: string
  readonly endsApiKeys: boolean
  readonly at: Date
}

/**
 * Sets the caller's password and ends every session and access token from before. `gone` when the password or the
 * caller's standing has changed since it was read.
 */
export async function changePassword(
  store: Store,
  caller: UserCaller,
  { passwordHash, newHash, endsApiKeys, at }: PasswordChange,
): Promise<Outcome<void, 'gone'>> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { users, sessions, apiKeys } = tables
  const change = builder
    .update(users)
    .set({ passwordHash: newHash, tokensValidFrom: at, updatedAt: at })
    .where(isOwnRow(dialect, caller, passwordHash))
  // A hash has its own salt: no other change has left this one.
  const isChanged = hasHash(dialect, caller.userId, newHash)
  const { affected } = await store.write({
    writes: [
      buildStatement(change, { isGate: true }),
      buildStatement(builder.delete(sessions).where(and(eq(sessions.userId, caller.userId), isChanged))),
      ...(endsApiKeys
        ? [buildStatement(builder.delete(apiKeys).where(and(eq(apiKeys.userId, caller.userId), isChanged)))]
        : []),
    ],
    applied: hashQuery(dialect, caller.userId, newHash),
  })
  return affected[0] === 1 ? done(undefined) : refused('gone')
}

function hashQuery({ builder, tables: { users } }: Dialect, userId: string, passwordHash: string) {
  return buildQuery(
    builder
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.id, userId), eq(users.passwordHash, passwordHash))),
  )
}

/** The condition in an update of `users` that the caller may act and has that password: MySQL reads no table twice there. */
export function isOwnRow(dialect: Dialect, caller: UserCaller, passwordHash: string): SQL {
  const { users } = dialect.tables
  return all(
    eq(users.id, caller.userId),
    eq(users.passwordHash, passwordHash),
    isNull(users.disabledAt),
    sql`${users.tokensValidFrom} <= ${sql.param(caller.issuedAt, users.tokensValidFrom)}`,
    hasCredential(dialect, caller),
    isNotRestoring(dialect),
  )
}
