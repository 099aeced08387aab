import { aliasedTable, and, eq, gt, isNull, lte, sql, type SQL } from 'drizzle-orm'
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
import type { SessionRow, UserRow } from '../../schema/rows.ts'
import { buildQuery, buildStatement, defineQuery, defineStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { isNotRestoring, mayAct } from '../../access/conditions.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, insertEventFrom, recordEvent, type AuditEvent } from '../audit/event.ts'
import { fromCaller } from '../../access/reads.ts'
import { pick } from '../../sql/pick.ts'
import { pageOf } from '../../access/pages.ts'
import { isBehind, type Keyset } from '../../sql/keyset.ts'
import { existsIn } from '../../sql/exists.ts'
import { isJoined } from '../../sql/joined.ts'

/** A refresh token, as it is stored; with a new family it is a log-in. */
export interface NewSession {
  readonly id: string
  readonly familyId: string
  readonly userId: string
  /** Hex. Only this is stored of the refresh token. */
  readonly refreshSha256: string
  readonly userAgent: string | null
  /** When the family began. */
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** The statement that stores a refresh token, under a condition. */
export function insertSession(dialect: Dialect, session: NewSession, usedAt: Date, condition: SQL): Statement {
  return buildStatement(insertWhere(dialect, dialect.tables.sessions, rowOf(session, usedAt), condition))
}

/** The same as an effect behind a gate. */
export function addSession({ builder, tables }: Dialect, session: NewSession, usedAt: Date): Statement {
  return buildStatement(builder.insert(tables.sessions).values(rowOf(session, usedAt)))
}

function rowOf(session: NewSession, usedAt: Date): SessionRow {
  return { ...session, lastUsedAt: usedAt, replacedAt: null }
}

const sessionExistsQuery = defineQuery<{ id: string }>()(({ builder, tables: { sessions } }, bind) =>
  builder
    .select({ id: sessions.id })
    .from(sessions)
    .where(eq(sessions.id, bind('id', sessions.id))),
)

/** A refresh token with what decides whether it counts. */
export type RefreshRow = Pick<
  SessionRow,
  'id' | 'familyId' | 'userId' | 'userAgent' | 'createdAt' | 'lastUsedAt' | 'expiresAt' | 'replacedAt'
> &
  Pick<UserRow, 'username' | 'email' | 'role' | 'disabledAt' | 'tokensValidFrom'> & { readonly userCreatedAt: Date }

const refreshQuery = defineQuery<{ refreshSha256: string }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, sessions, users } = tables
  return builder
    .select({
      restore: marks.value,
      id: sessions.id,
      familyId: sessions.familyId,
      userId: sessions.userId,
      userAgent: sessions.userAgent,
      createdAt: sessions.createdAt,
      lastUsedAt: sessions.lastUsedAt,
      expiresAt: sessions.expiresAt,
      replacedAt: sessions.replacedAt,
      tokensValidFrom: users.tokensValidFrom,
      username: users.username,
      email: users.email,
      role: users.role,
      disabledAt: users.disabledAt,
      userCreatedAt: users.createdAt,
    })
    .from(marks)
    .leftJoin(sessions, eq(sessions.refreshSha256, bind('refreshSha256', sessions.refreshSha256)))
    .leftJoin(users, eq(users.id, sessions.userId))
    .where(isAnchor(dialect))
})

/** The refresh token with this digest, used or not; undefined when there is none. */
export async function findRefresh(store: Store, refreshSha256: string): Promise<RefreshRow | undefined> {
  const [row] = await store.read(refreshQuery(store.dialect, { refreshSha256 }))
  if (row !== undefined && row.restore !== null) throw restoreError()
  return isJoined<RefreshRow>('username')(row) ? row : undefined
}

/**
 * Replaces a refresh token by the next of its family. `gone` when another request was first, the session has ended or
 * the user's standing has changed since the token was read.
 */
export async function rotateRefresh(
  store: Store,
  used: Pick<RefreshRow, 'id'>,
  next: NewSession,
  at: Date,
): Promise<Outcome<void, 'gone'>> {
  const { dialect } = store
  const { isOpen } = await store.apply({
    // Who ends a session locks the user's row for more than that.
    locks: [rowLock(dialect, 'users', 'share', eq(dialect.tables.users.id, next.userId))],
    gate: replaceSession(dialect, used, next, at),
    effects: [addSession(dialect, next, at)],
    proof: sessionExistsQuery(dialect, { id: next.id }),
  })
  return isOpen ? done(undefined) : refused('gone')
}

function replaceSession(dialect: Dialect, { id }: Pick<RefreshRow, 'id'>, { userId }: NewSession, at: Date): Statement {
  const { builder, tables } = dialect
  const { sessions, users } = tables
  const standing = existsIn(
    dialect,
    users,
    eq(users.id, userId),
    isNull(users.disabledAt),
    lte(users.tokensValidFrom, sessions.lastUsedAt),
  )
  const update = builder
    .update(sessions)
    .set({ replacedAt: at })
    .where(
      all(
        eq(sessions.id, id),
        isNull(sessions.replacedAt),
        gt(sessions.expiresAt, at),
        standing,
        isNotRestoring(dialect),
      ),
    )
  return buildStatement(update)
}

const endFamilyStatement = defineStatement<{ familyId: string; at: Date }>()((dialect, bind) => {
  const { sessions } = dialect.tables
  return dialect.builder
    .update(sessions)
    .set({ replacedAt: bind('at', sessions.replacedAt), expiresAt: bind('at', sessions.expiresAt) })
    .where(
      // Not by its times: of two at once the one that looked at its clock first may be the second.
      and(
        eq(sessions.familyId, bind('familyId', sessions.familyId)),
        isNull(sessions.replacedAt),
        isNotRestoring(dialect),
      ),
    )
})

/** Who ends a session without being logged in, by what was sent; and the event that tells of it. */
export interface SessionEnd {
  readonly eventId: string
  readonly origin: Origin
  readonly at: Date
}

/**
 * Ends a family one of whose tokens was used twice. Its rows stay until they are swept, so that each of its tokens goes
 * on to be known as used.
 * @returns Whether it was alive until now.
 */
export async function endFamily(
  store: Store,
  { familyId, userId }: Pick<RefreshRow, 'familyId' | 'userId'>,
  { eventId, origin, at }: SessionEnd,
): Promise<boolean> {
  const { dialect } = store
  const event = recordEvent(dialect, {
    ...{ id: eventId, at, type: 'session.reused', origin, ownerId: userId },
    actor: { kind: 'user', userId, id: familyId },
    subject: { type: 'session', id: familyId },
  })
  const { isOpen } = await store.apply({
    locks: [rowLock(dialect, 'users', 'no key update', eq(dialect.tables.users.id, userId))],
    gate: endFamilyStatement(dialect, { familyId, at }),
    effects: [event],
    proof: eventQuery(dialect, eventId),
  })
  return isOpen
}

/** Ends the family of a refresh token, if there is one that is alive: the event is recorded where there is, and the rest follows it. */
export async function logOut(store: Store, refreshSha256: string, { eventId, origin, at }: SessionEnd): Promise<void> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { marks, sessions, users, audit } = tables
  const token = aliasedTable(sessions, 'token')
  const userOfToken = builder
    .select({ userId: sessions.userId })
    .from(sessions)
    .where(eq(sessions.refreshSha256, refreshSha256))
  const ended = builder.select({ familyId: audit.subjectId }).from(audit).where(eq(audit.id, eventId))
  const familyId = sql`${sessions.familyId}`
  const userId = sql`${sessions.userId}`
  const event: AuditEvent = {
    ...{ id: eventId, at, type: 'session.ended', origin, ownerId: userId },
    actor: { kind: 'user', userId, id: familyId },
    subject: { type: 'session', id: familyId },
  }
  // The one session of the token's family that is alive: its rows are held for the deletion that follows.
  const isAlive = all(eq(token.refreshSha256, refreshSha256), and(isNull(sessions.replacedAt), isNotRestoring(dialect)))
  const live = sql`${sessions} as ${token} inner join ${sessions} on ${eq(sessions.familyId, token.familyId)} where ${isAlive}`
  const { isOpen, rows } = await store.apply({
    locks: [rowLock(dialect, 'users', 'no key update', sql`${users.id} = (${userOfToken})`)],
    gate: buildStatement(insertEventFrom(dialect, event, dialect.gate.holding(live))),
    effects: [buildStatement(builder.delete(sessions).where(eq(sessions.familyId, sql`(${ended})`)))],
    answer: buildQuery(builder.select({ restore: marks.value }).from(marks).where(isAnchor(dialect))),
    proof: eventQuery(dialect, eventId),
    answersWhenClosed: true,
  })
  if (!isOpen && rows.some((row) => row.restore !== null)) throw restoreError()
}

/** A family of refresh tokens that is alive: what a user calls a session. */
export interface SessionView {
  /** Of the family. */
  readonly id: string
  readonly createdAt: Date
  readonly lastUsedAt: Date
  readonly userAgent: string | null
}

export interface SessionListing {
  readonly limit: number
  readonly at: Date
  readonly after?: Keyset | undefined
}

/** A page of the caller's sessions, newest first, and one row more where there are more. */
export async function listSessions(
  store: Store,
  caller: UserCaller,
  listing: SessionListing,
): Promise<Outcome<readonly SessionView[]>> {
  const rows = await store.read(listQuery(store.dialect, caller, listing))
  const standing = standingOf(caller, rows[0])
  if (!standing.ok) return standing
  return done(
    rows.filter(isJoined<SessionView>('id')).map((row) => pick(row, ['id', 'createdAt', 'lastUsedAt', 'userAgent'])),
  )
}

function listQuery(dialect: Dialect, caller: UserCaller, { limit, at, after }: SessionListing) {
  const { sessions } = dialect.tables
  const { familyId, createdAt, lastUsedAt, userAgent, replacedAt, expiresAt } = sessions
  const isOwn = and(eq(sessions.userId, caller.userId), isNull(replacedAt), gt(expiresAt, at))
  const page = pageOf(dialect, {
    table: sessions,
    fields: { id: familyId, createdAt, lastUsedAt, userAgent },
    where: and(isOwn, isBehind({ at: createdAt, id: familyId }, after)),
    newest: [createdAt, familyId],
    limit,
  })
  return buildQuery(fromCaller(dialect, isThisCaller(dialect, caller), page))
}

/** Ends one of the caller's own sessions. */
export async function deleteSession(
  store: Store,
  caller: UserCaller,
  familyId: string,
  { eventId, at }: { readonly eventId: string; readonly at: Date },
): Promise<Outcome<void>> {
  const { dialect } = store
  const { sessions } = dialect.tables
  const { userId } = caller
  const isOwn = and(eq(sessions.familyId, familyId), eq(sessions.userId, userId))
  const event = callerEvent(dialect, caller, {
    ...{ id: eventId, at, type: 'session.ended', ownerId: userId },
    subject: { type: 'session', id: familyId },
  })
  const { isOpen } = await store.apply({
    locks: callerLocks(dialect, caller, 'no key update'),
    gate: buildStatement(dialect.builder.delete(sessions).where(all(mayAct(dialect, caller), isOwn))),
    effects: [recordEvent(dialect, event)],
    proof: eventQuery(dialect, eventId),
  })
  if (isOpen) return done(undefined)
  const check = await checkSession(store, caller, familyId)
  return check.ok ? refused('not_found') : check
}

/** Whether the caller has the session, alive or ended. */
export async function checkSession(store: Store, caller: UserCaller, familyId: string): Promise<Outcome<void>> {
  const { dialect } = store
  const { users, sessions } = dialect.tables
  const query = buildQuery(
    fromCaller(dialect, isThisCaller(dialect, caller), {
      fields: { familyId: sessions.familyId },
      joins: [[sessions, and(eq(sessions.familyId, familyId), eq(sessions.userId, users.id))]],
    }),
  )
  const [row] = await store.read(query)
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  return row === undefined || row.familyId === null ? refused('not_found') : done(undefined)
}
