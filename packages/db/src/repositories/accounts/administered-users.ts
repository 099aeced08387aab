import { and, desc, eq, inArray, isNotNull, isNull, lt, lte, ne, or, sql, type SQL } from 'drizzle-orm'
import { keyLocks } from '../../access/caller-locks.ts'
import {
  all,
  any,
  done,
  isAnchor,
  isThisCaller,
  mayAdminister,
  refused,
  standingFields,
  standingOf,
  type Outcome,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { nameKey } from '../../schema/names.ts'
import type { Role } from '../../schema/schema.ts'
import { buildQuery, buildStatement, type Query, type Statement } from '../../sql/statement.ts'
import { rowLock } from '../../sql/row-lock.ts'
import type { Store } from '../../store/store.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, recordEvents, type AuditEvent } from '../audit/event.ts'
import type { UserView } from './users.ts'
import type { Keyset } from '../workflows/workflows.ts'

/* What an administrator does with users. */

export interface UserListing {
  /** In the username or the email, ignoring case. */
  readonly q?: string | undefined
  readonly limit: number
  readonly after?: Keyset | undefined
}

/** A page of all users, newest first, and one row more where there are more. */
export async function listAllUsers(
  store: Store,
  caller: UserCaller,
  listing: UserListing,
): Promise<Outcome<readonly UserView[]>> {
  const rows = await store.read(listQuery(store.dialect, caller, listing))
  const denied = denialOf(caller, rows[0])
  return denied ?? done(rows.flatMap((row) => viewOf(row) ?? []))
}

type UserReadRow = StandingRow & {
  readonly id: string | null
  readonly username: string | null
  readonly email: string | null
  readonly userRole: Role | null
  readonly createdAt: Date | null
  readonly userDisabledAt: Date | null
}

function denialOf(caller: UserCaller, row: StandingRow | undefined): Outcome<never> | undefined {
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  return standing.value.isAdmin ? undefined : refused('forbidden')
}

function viewOf({ id, username, email, userRole, createdAt, userDisabledAt }: UserReadRow): UserView | undefined {
  if (id === null || username === null || email === null || userRole === null || createdAt === null) return undefined
  return { id, username, email, role: userRole, createdAt, disabledAt: userDisabledAt }
}

function userFields({ tables: { users } }: Dialect) {
  return {
    id: users.id,
    username: users.username,
    email: users.email,
    userRole: sql`${users.role}`.mapWith(users.role).as('user_role'),
    createdAt: users.createdAt,
    userDisabledAt: sql`${users.disabledAt}`.mapWith(users.disabledAt).as('user_disabled_at'),
  }
}

function listQuery(dialect: Dialect, caller: UserCaller, { q, limit, after }: UserListing): Query<UserReadRow> {
  const { users } = dialect.tables
  const page = and(
    q === undefined ? undefined : contains(dialect, q),
    after === undefined
      ? undefined
      : and(lte(users.createdAt, after.at), or(lt(users.createdAt, after.at), lt(users.id, after.id))),
  )
  return usersQuery(dialect, caller, page, limit + 1)
}

function contains(dialect: Dialect, q: string): SQL {
  const { users } = dialect.tables
  const needle = sql`${nameKey(q)}`
  return any(dialect.contains(users.usernameKey, needle), dialect.contains(users.emailKey, needle))
}

function usersQuery(
  dialect: Dialect,
  caller: UserCaller,
  condition: SQL | undefined,
  limit: number,
): Query<UserReadRow> {
  const { builder, tables } = dialect
  const { marks, users } = tables
  const page = builder
    .select(userFields(dialect))
    .from(users)
    .where(condition)
    .orderBy(desc(users.createdAt), desc(users.id))
    .limit(limit)
    .as('page')
  const select = builder
    .select({
      ...standingFields(dialect),
      id: page.id,
      username: page.username,
      email: page.email,
      userRole: page.userRole,
      createdAt: page.createdAt,
      userDisabledAt: page.userDisabledAt,
    })
    .from(marks)
    .leftJoin(users, isThisCaller(dialect, caller))
    .leftJoin(page, sql`1 = 1`)
    .where(isAnchor(dialect))
    .orderBy(desc(page.createdAt), desc(page.id))
  return buildQuery(select)
}

/** One user. */
export async function getUser(store: Store, caller: UserCaller, userId: string): Promise<Outcome<UserView>> {
  const { users } = store.dialect.tables
  const [row] = await store.read(usersQuery(store.dialect, caller, eq(users.id, userId), 1))
  return foundUser(caller, row)
}

function foundUser(caller: UserCaller, row: UserReadRow | undefined): Outcome<UserView> {
  const denied = denialOf(caller, row)
  if (denied !== undefined) return denied
  const view = row === undefined ? undefined : viewOf(row)
  return view === undefined ? refused('not_found') : done(view)
}

export interface UserChange {
  readonly role: Role | undefined
  readonly isDisabled: boolean | undefined
  /** Of the events for a role and for a standing that change. */
  readonly eventIds: { readonly role: string; readonly standing: string }
  readonly at: Date
}

/**
 * Changes a user's role or disables it, from the next request on. What is so already stays as it is, and leaves no event.
 * Of two administrators who take each other's role at once, one does.
 */
export async function changeUser(
  store: Store,
  caller: UserCaller,
  userId: string,
  change: UserChange,
): Promise<Outcome<UserView>> {
  for (;;) {
    const differs = await whatDiffers(store, caller, userId, change)
    if (!differs.ok) return differs
    const outcome = await changeAll(store, caller, userId, differs.value)
    if (outcome !== undefined) return outcome
    // Another change came between: judged again.
  }
}

/** Of a change of both, what the user does not have yet: one event for each. A change of one is decided by the write alone. */
async function whatDiffers(
  store: Store,
  caller: UserCaller,
  userId: string,
  change: UserChange,
): Promise<Outcome<UserChange>> {
  const { role, isDisabled } = change
  if (role === undefined || isDisabled === undefined) return done(change)
  const found = await getUser(store, caller, userId)
  if (!found.ok) return found
  return done({
    ...change,
    role: found.value.role === role ? undefined : role,
    isDisabled: (found.value.disabledAt !== null) === isDisabled ? undefined : isDisabled,
  })
}

/** Undefined where of a change of both one has been made meanwhile. */
async function changeAll(
  store: Store,
  caller: UserCaller,
  userId: string,
  change: UserChange,
): Promise<Outcome<UserView> | undefined> {
  const { dialect } = store
  const { users } = dialect.tables
  const [event, ...others] = eventsOf(dialect, caller, userId, change)
  if (event === undefined) return getUser(store, caller, userId)
  const { isOpen, rows } = await store.apply({
    locks: [
      ...keyLocks(dialect, caller),
      rowLock(dialect, 'users', 'no key update', inArray(users.id, [caller.userId, userId])),
    ],
    gate: updateUser(dialect, caller, userId, change),
    effects: [recordEvents(dialect, [event, ...others])],
    answer: usersQuery(dialect, caller, eq(users.id, userId), 1),
    proof: eventQuery(dialect, event.id),
  })
  // Also where the caller has lost its standing since: after a lost answer it is read later.
  const changed = isOpen && rows[0] !== undefined ? viewOf(rows[0]) : undefined
  if (changed !== undefined) return done(changed)
  const current = await getUser(store, caller, userId)
  return current.ok && others.length > 0 ? undefined : current
}

function eventsOf(
  dialect: Dialect,
  caller: UserCaller,
  userId: string,
  { role, isDisabled, eventIds, at }: UserChange,
): readonly AuditEvent[] {
  const eventOf = (deed: Pick<AuditEvent, 'id' | 'type' | 'data'>) =>
    callerEvent(dialect, caller, { ...deed, at, ownerId: userId, subject: { type: 'user', id: userId } })
  const ofRole = role === undefined ? [] : [eventOf({ id: eventIds.role, type: 'user.role_changed', data: { role } })]
  if (isDisabled === undefined) return ofRole
  return [...ofRole, eventOf({ id: eventIds.standing, type: isDisabled ? 'user.disabled' : 'user.enabled' })]
}

/** The condition is that all of the change is one. */
function updateUser(
  dialect: Dialect,
  caller: UserCaller,
  userId: string,
  { role, isDisabled, at }: UserChange,
): Statement {
  const { users } = dialect.tables
  const update = dialect.builder
    .update(users)
    .set({
      ...(role === undefined ? {} : { role }),
      ...(isDisabled === undefined ? {} : { disabledAt: isDisabled ? at : null }),
      updatedAt: at,
    })
    .where(
      all(
        eq(users.id, userId),
        role === undefined ? undefined : ne(users.role, role),
        isDisabled === undefined ? undefined : isDisabled ? isNull(users.disabledAt) : isNotNull(users.disabledAt),
        mayAdminister(dialect, caller),
      ),
    )
  return buildStatement(update)
}
