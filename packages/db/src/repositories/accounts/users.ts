import { count, eq, or, sql, type SQL } from 'drizzle-orm'
import {
  callerInput,
  done,
  isAnchor,
  isCaller,
  refused,
  standingOf,
  type Caller,
  type CallerInput,
  type Origin,
  type Outcome,
  restoreError,
} from '../../access/access.ts'
import type { UserRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { DatabaseError } from '../../sql/errors.ts'
import { buildQuery, buildStatement, defineQuery } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import { isJoined } from '../../sql/joined.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { isNotRestoring } from '../../access/conditions.ts'
import type { Store } from '../../store/store.ts'
import { eventQuery, recordEvent } from '../audit/event.ts'
import { attempted, countFields, type Attempt, type RateLimited } from './login-attempts.ts'
import { addSession, type NewSession } from './sessions.ts'
import { fromCaller } from '../../access/reads.ts'

export type NewUser = Pick<
  UserRow,
  'id' | 'username' | 'usernameKey' | 'email' | 'emailKey' | 'passwordHash' | 'role' | 'createdAt'
>

/** What a user is to others: without the hash. */
export type UserView = Pick<UserRow, 'id' | 'username' | 'email' | 'role' | 'createdAt' | 'disabledAt'>

export type LoginRow = UserView & Pick<UserRow, 'passwordHash' | 'tokensValidFrom' | 'usernameKey'>

/** Makes a user, as a command does, unless a name is taken. */
export async function registerUser(
  store: Store,
  user: NewUser,
): Promise<Outcome<void, 'username_taken' | 'email_taken'>> {
  const { dialect } = store
  const event = recordEvent(dialect, {
    ...{ id: user.id, at: user.createdAt, type: 'user.registered', ownerId: user.id },
    actor: { kind: 'command', userId: null, id: 'user' },
    subject: { type: 'user', id: user.id },
    origin: { requestId: null, network: null },
    data: { role: user.role },
  })
  return addUser(store, user, [event])
}

type Names = Pick<NewUser, 'username' | 'usernameKey' | 'email' | 'emailKey'>

/**
 * Counts a registration, and tells what stands against it before its password is hashed: a limit, or a name that is
 * taken, which stays counted, since to ask for taken names is to search for them.
 */
export async function beginRegistration(
  store: Store,
  names: Names,
  attempt: Attempt,
): Promise<Outcome<void, 'username_taken' | 'email_taken'> | RateLimited> {
  const found = await attempted(store, attempt, obstacleQuery(store.dialect, names, attempt))
  if (!found.ok) return found
  const { usernames, emails } = found.value
  if (usernames > 0) return refused('username_taken')
  return emails > 0 ? refused('email_taken') : done(undefined)
}

function obstacleQuery(dialect: Dialect, { username, usernameKey, email, emailKey }: Names, attempt: Attempt) {
  const { builder, tables } = dialect
  const { marks, users } = tables
  const countOf = (condition: SQL | undefined) =>
    sql`(${builder.select({ count: count() }).from(users).where(condition)})`.mapWith(Number)
  return buildQuery(
    builder
      .select({
        usernames: countOf(or(eq(users.usernameKey, usernameKey), eq(users.username, username))),
        emails: countOf(or(eq(users.emailKey, emailKey), eq(users.email, email))),
        ...countFields(dialect, attempt, attempt.at),
      })
      .from(marks)
      .where(isAnchor(dialect)),
  )
}

/** A registration that was begun, and what it makes. Its event has the user's id. */
export interface NewAccount {
  readonly user: NewUser
  readonly session: NewSession
  readonly origin: Origin
}

/** Makes a user and its first session, unless a name has been taken meanwhile. */
export async function registerAccount(
  store: Store,
  { user, session, origin }: NewAccount,
): Promise<Outcome<void, 'username_taken' | 'email_taken'>> {
  const { dialect } = store
  const event = recordEvent(dialect, {
    ...{ id: user.id, at: user.createdAt, type: 'user.registered', origin, ownerId: user.id },
    actor: { kind: 'user', userId: user.id, id: session.familyId },
    subject: { type: 'user', id: user.id },
    data: { role: user.role },
  })
  return addUser(store, user, [addSession(dialect, session, session.createdAt), event])
}

/** @param effects among them the event, which has the user's id: it stays where the user is deleted */
async function addUser(
  store: Store,
  user: NewUser,
  effects: readonly Statement[],
): Promise<Outcome<void, 'username_taken' | 'email_taken'>> {
  const { dialect } = store
  const { users } = dialect.tables
  const row = { ...user, disabledAt: null, tokensValidFrom: user.createdAt, updatedAt: user.createdAt }
  return unlessTaken(store, user, async () => {
    const { isOpen } = await store.apply({
      locks: [],
      gate: buildStatement(insertWhere(dialect, users, row, isNotRestoring(dialect))),
      effects,
      proof: eventQuery(dialect, user.id),
    })
    if (!isOpen) throw restoreError()
    return done(undefined)
  })
}

async function unlessTaken<Result>(
  store: Store,
  user: NewUser,
  register: () => Promise<Result>,
): Promise<Result | Outcome<never, 'username_taken' | 'email_taken'>> {
  try {
    return await register()
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError) || thrown.fault !== 'unique_violation') throw thrown
    if (thrown.constraint?.startsWith('users_') !== true) throw thrown
    // Where both are taken the databases name either; the answer is the same on all.
    const { username, usernameKey } = user
    const taken = await store.read(usernameQuery(store.dialect, { username, usernameKey }))
    return refused(taken.length > 0 ? 'username_taken' : 'email_taken')
  }
}

const usernameQuery = defineQuery<{ username: string; usernameKey: string }>()(({ builder, tables: { users } }, bind) =>
  builder
    .select({ id: users.id })
    .from(users)
    .where(
      or(
        eq(users.usernameKey, bind('usernameKey', users.usernameKey)),
        eq(users.username, bind('username', users.username)),
      ),
    ),
)

/** What a log-in is judged by. */
export function loginFields({ tables: { users } }: Dialect) {
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

const loginQuery = defineQuery<{ nameKey: string }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { users, marks } = tables
  return builder
    .select({
      restore: marks.value,
      ...loginFields(dialect),
    })
    .from(marks)
    .leftJoin(
      users,
      or(
        eq(users.usernameKey, bind('nameKey', users.usernameKey)),
        eq(users.emailKey, bind('nameKey', users.emailKey)),
      ),
    )
    .where(isAnchor(dialect))
})

/** The user of that name or email; where one's name is another's email, the name counts. */
export async function findLogin(store: Store, nameKey: string): Promise<LoginRow | undefined> {
  const rows = await store.read(loginQuery(store.dialect, { nameKey }))
  if (rows.some(({ restore }) => restore !== null)) throw restoreError()
  const found = rows.find((row) => row.usernameKey === nameKey) ?? rows[0]
  return isJoined<LoginRow>('id')(found) ? found : undefined
}

const callerQuery = defineQuery<CallerInput>()((dialect, bind) => {
  const { users } = dialect.tables
  return fromCaller(dialect, isCaller(dialect, bind), {
    fields: { username: users.username, email: users.email, createdAt: users.createdAt },
  })
})

/** The caller's own user. */
export async function getCaller(store: Store, caller: Caller): Promise<Outcome<UserView>> {
  const [row] = await store.read(callerQuery(store.dialect, callerInput(caller)))
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  if (row === undefined || row.callerId === null || row.role === null) return refused('unauthenticated')
  const { callerId, username, email, role, createdAt, disabledAt } = row
  if (username === null || email === null || createdAt === null) return refused('unauthenticated')
  return done({ id: callerId, username, email, role, createdAt, disabledAt })
}
