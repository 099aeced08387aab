import { and, eq, inArray, isNotNull, isNull, ne, sql, type SQL } from 'drizzle-orm'
import { keyLocks } from '../../access/caller-locks.ts'
import {
  all,
  any,
  done,
  isThisCaller,
  type Outcome,
  type StandingRow,
  type UserCaller,
  administratorOf,
  absentFor,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { nameKey } from '../../schema/names.ts'
import type { Role } from '../../schema/schema.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Query, Statement } from '../../sql/statement.ts'
import { rowLock } from '../../sql/row-lock.ts'
import type { Store } from '../../store/store.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, type EventTerms, insertEventFrom } from '../audit/event.ts'
import type { UserView } from './users.ts'
import { mayAdminister } from '../../access/conditions.ts'
import type { AuditType } from '../../schema/audit-types.ts'
import { fromCaller } from '../../access/reads.ts'
import { isBehind, type Keyset } from '../../sql/keyset.ts'
import { pageOf } from '../../access/pages.ts'

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
  const standing = administratorOf(caller, rows[0])
  return standing.ok ? done(rows.flatMap((row) => viewOf(row) ?? [])) : standing
}

type UserReadRow = StandingRow & {
  readonly id: string | null
  readonly username: string | null
  readonly email: string | null
  readonly userRole: Role | null
  readonly createdAt: Date | null
  readonly userDisabledAt: Date | null
}

function viewOf({ id, username, email, userRole, createdAt, userDisabledAt }: UserReadRow): UserView | undefined {
  if (id === null || username === null || email === null || userRole === null || createdAt === null) return undefined
  return { id, username, email, role: userRole, createdAt, disabledAt: userDisabledAt }
}

function listQuery(dialect: Dialect, caller: UserCaller, { q, limit, after }: UserListing): Query<UserReadRow> {
  const { createdAt, id } = dialect.tables.users
  const isFound = q === undefined ? undefined : contains(dialect, q)
  return usersQuery(dialect, caller, and(isFound, isBehind({ at: createdAt, id }, after)), limit)
}

function contains(dialect: Dialect, q: string): SQL {
  const { users } = dialect.tables
  const needle = sql`${nameKey(q)}`
  return any(dialect.contains(users.usernameKey, needle), dialect.contains(users.emailKey, needle))
}

function usersQuery(dialect: Dialect, caller: UserCaller, where: SQL | undefined, limit: number): Query<UserReadRow> {
  const { users } = dialect.tables
  const { id, username, email, role, createdAt, disabledAt } = users
  const page = pageOf(dialect, {
    table: users,
    fields: { id, username, email, userRole: role, createdAt, userDisabledAt: disabledAt },
    where,
    newest: [createdAt, id],
    limit,
  })
  return buildQuery(fromCaller(dialect, isThisCaller(dialect, caller), page))
}

/** One user. */
export async function getUser(store: Store, caller: UserCaller, userId: string): Promise<Outcome<UserView>> {
  const { users } = store.dialect.tables
  const [row] = await store.read(usersQuery(store.dialect, caller, eq(users.id, userId), 0))
  return foundUser(caller, row)
}

function foundUser(caller: UserCaller, row: UserReadRow | undefined): Outcome<UserView> {
  const standing = administratorOf(caller, row)
  if (!standing.ok) return standing
  const view = row === undefined ? undefined : viewOf(row)
  return view === undefined ? absentFor(caller) : done(view)
}

export interface UserChange {
  readonly role: Role | undefined
  readonly isDisabled: boolean | undefined
  /** Names this write: the id of its audit event. */
  readonly operation: string
  readonly at: Date
}

/**
 * Changes a user's role or disables it, from the next request on. What is so already stays as it is; where all is, no event
 * is left. Of two administrators who take each other's role at once, one does.
 */
export async function changeUser(
  store: Store,
  caller: UserCaller,
  userId: string,
  change: UserChange,
): Promise<Outcome<UserView>> {
  const { dialect } = store
  const { users } = dialect.tables
  const { isOpen, rows, readAs } = await store.apply({
    locks: [
      ...keyLocks(dialect, caller),
      rowLock(dialect, 'users', 'no key update', inArray(users.id, [caller.userId, userId])),
    ],
    gate: recordUserChange(dialect, caller, userId, change),
    effects: [updateUser(dialect, userId, change)],
    answer: (as) => usersQuery(dialect, as(caller), eq(users.id, userId), 0),
    proof: eventQuery(dialect, change.operation),
  })
  return isOpen ? foundUser(readAs(caller), rows[0]) : getUser(store, caller, userId)
}

/** The gate: what changes, told by what there is before. Of a change of both the role gives the event its type. */
function recordUserChange(
  dialect: Dialect,
  caller: UserCaller,
  userId: string,
  { role, isDisabled, operation, at }: UserChange,
): Statement {
  const { users } = dialect.tables
  const differs = {
    role: role === undefined ? sql`1 = 0` : ne(users.role, role),
    standing:
      isDisabled === undefined ? sql`1 = 0` : isDisabled ? isNull(users.disabledAt) : isNotNull(users.disabledAt),
  }
  const standingType: AuditType = isDisabled === true ? 'user.disabled' : 'user.enabled'
  const roleType: AuditType = 'user.role_changed'
  const event = callerEvent(dialect, caller, {
    id: operation,
    at,
    type: roleType,
    subject: { type: 'user', id: userId },
    ownerId: userId,
  })
  const terms: EventTerms = {
    ...event,
    type: sql`case when ${differs.role} then ${roleType} else ${standingType} end`,
    data: sql`case when ${differs.role} and ${differs.standing} then ${JSON.stringify({ role, disabled: isDisabled })} when ${differs.role} then ${JSON.stringify({ role })} else '{}' end`,
  }
  const condition = all(eq(users.id, userId), any(differs.role, differs.standing), mayAdminister(dialect, caller))
  return buildStatement(insertEventFrom(dialect, terms, dialect.gate.holding(sql`${users} where ${condition}`)))
}

/** When a user was disabled stays, where it is so already. */
function updateUser(dialect: Dialect, userId: string, { role, isDisabled, at }: UserChange): Statement {
  const { users } = dialect.tables
  const disabledAt = isDisabled === true ? sql`coalesce(${users.disabledAt}, ${sql.param(at, users.disabledAt)})` : null
  const update = dialect.builder
    .update(users)
    .set({
      ...(role === undefined ? {} : { role }),
      ...(isDisabled === undefined ? {} : { disabledAt }),
      updatedAt: at,
    })
    .where(eq(users.id, userId))
  return buildStatement(update)
}
