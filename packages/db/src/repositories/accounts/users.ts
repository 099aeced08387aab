import { eq, exists, or, sql, type SQL } from 'drizzle-orm'
import {
  all,
  callerInput,
  done,
  isAnchor,
  isCaller,
  refused,
  standingFields,
  standingOf,
  type Caller,
  type CallerInput,
  type Outcome,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { DatabaseError } from '../../sql/errors.ts'
import type { UserRow } from '../../schema/rows.ts'
import { buildStatement, defineQuery, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { isWithinLimits, recordAttempt, withdrawAttempt, type Attempt, type RateLimited } from './login-attempts.ts'
import { isNotRestoring, restoreError } from '../../store/restore-mark.ts'
import { insertSession, type NewSession } from './sessions.ts'

export type NewUser = Pick<
  UserRow,
  'id' | 'username' | 'usernameKey' | 'email' | 'emailKey' | 'passwordHash' | 'role' | 'createdAt'
>

/** What a user is to others: without the hash. */
export type UserView = Pick<UserRow, 'id' | 'username' | 'email' | 'role' | 'createdAt' | 'disabledAt'>

export type LoginRow = UserView & Pick<UserRow, 'passwordHash' | 'tokensValidFrom' | 'usernameKey'>

/** Makes a user, as an operator does, unless a name is taken. */
export async function registerUser(
  store: Store,
  user: NewUser,
): Promise<Outcome<void, 'username_taken' | 'email_taken'>> {
  const { dialect } = store
  return unlessTaken(store, user, async () => {
    const { affected } = await store.write({
      writes: [insertUser(dialect, user, isNotRestoring(dialect))],
      applied: userExistsQuery(dialect, { id: user.id }),
    })
    if (affected[0] === 0) throw restoreError()
    return done(undefined)
  })
}

/** Makes a user and its first session, unless a name is taken or its network has made too many accounts. */
export async function registerAccount(
  store: Store,
  user: NewUser,
  session: NewSession,
  attempt: Attempt,
): Promise<Outcome<void, 'username_taken' | 'email_taken'> | RateLimited> {
  const { dialect } = store
  const isAllowed = all(isNotRestoring(dialect), isWithinLimits(dialect, attempt, attempt.at, { isRecorded: true }))
  return unlessTaken(store, user, async () => {
    const { affected } = await store.write({
      writes: [
        recordAttempt(dialect, attempt),
        insertUser(dialect, user, isAllowed),
        insertSession(dialect, session, session.createdAt, userExists(dialect, user.id)),
      ],
      applied: userExistsQuery(dialect, { id: user.id }),
    })
    if (affected[1] === 1) return done(undefined)
    const limited = await withdrawAttempt(store, attempt)
    if (limited === undefined) throw restoreError()
    return limited
  })
}

function insertUser(dialect: Dialect, user: NewUser, condition: SQL): Statement {
  const row = { ...user, disabledAt: null, tokensValidFrom: user.createdAt, updatedAt: user.createdAt }
  return buildStatement(insertWhere(dialect, dialect.tables.users, row, condition), { isGate: true })
}

function userExists({ builder, tables: { users } }: Dialect, id: string): SQL {
  return exists(
    builder
      .select({ one: sql`1` })
      .from(users)
      .where(eq(users.id, id)),
  )
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

const userExistsQuery = defineQuery<{ id: string }>()(({ builder, tables: { users } }, bind) =>
  builder
    .select({ id: users.id })
    .from(users)
    .where(eq(users.id, bind('id', users.id))),
)

const loginQuery = defineQuery<{ nameKey: string }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { users, marks } = tables
  return builder
    .select({
      restore: marks.value,
      id: users.id,
      username: users.username,
      usernameKey: users.usernameKey,
      email: users.email,
      role: users.role,
      createdAt: users.createdAt,
      disabledAt: users.disabledAt,
      passwordHash: users.passwordHash,
      tokensValidFrom: users.tokensValidFrom,
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
  return found === undefined || !isWhole(found) ? undefined : found
}

const callerQuery = defineQuery<CallerInput>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { users, marks } = tables
  return builder
    .select({ ...standingFields(dialect), username: users.username, email: users.email, createdAt: users.createdAt })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .where(isAnchor(dialect))
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

function isWhole<Row extends object>(row: Row): row is Row & { [Name in keyof LoginRow]: LoginRow[Name] } {
  return 'id' in row && row.id !== null
}
