import { and, desc, eq, exists, gt, inArray, isNull, lt, lte, not, or, sql, type SQL } from 'drizzle-orm'
import {
  all,
  done,
  isAnchor,
  isThisCaller,
  mayAct,
  refused,
  standingFields,
  standingOf,
  type Outcome,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { SessionRow, UserRow } from '../../schema/rows.ts'
import { buildQuery, buildStatement, defineQuery, defineStatement, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { isNotRestoring, restoreError } from '../../store/restore-mark.ts'
import type { Keyset } from '../workflows/workflows.ts'

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
  const row = { ...session, lastUsedAt: usedAt, replacedAt: null }
  return buildStatement(insertWhere(dialect, dialect.tables.sessions, row, condition), { isGate: true })
}

export const sessionExistsQuery = defineQuery<{ id: string }>()(({ builder, tables: { sessions } }, bind) =>
  builder
    .select({ id: sessions.id })
    .from(sessions)
    .where(eq(sessions.id, bind('id', sessions.id))),
)

/** A refresh token with what decides whether it counts. */
export type RefreshRow = Pick<
  SessionRow,
  'id' | 'familyId' | 'userId' | 'userAgent' | 'createdAt' | 'expiresAt' | 'replacedAt'
> &
  Pick<UserRow, 'username' | 'email' | 'role' | 'disabledAt'> & { readonly userCreatedAt: Date }

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
      expiresAt: sessions.expiresAt,
      replacedAt: sessions.replacedAt,
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
  return row === undefined || !isWholeRefresh(row) ? undefined : row
}

function isWholeRefresh<Row extends { readonly id: string | null; readonly username: string | null }>(
  row: Row,
): row is Row & RefreshRow {
  return row.id !== null && row.username !== null
}

/** Replaces a refresh token by the next of its family. `reused` when another request was first. */
export async function rotateRefresh(
  store: Store,
  used: Pick<RefreshRow, 'id'>,
  next: NewSession,
  at: Date,
): Promise<Outcome<void, 'reused'>> {
  const { dialect } = store
  const { affected } = await store.write({
    writes: [
      replaceSession(dialect, used, next, at),
      insertSession(dialect, next, at, wasReplaced(dialect, used, next, at)),
    ],
    applied: sessionExistsQuery(dialect, { id: next.id }),
  })
  return affected.at(-1) === 1 ? done(undefined) : refused('reused')
}

function replaceSession(dialect: Dialect, { id }: Pick<RefreshRow, 'id'>, { userId }: NewSession, at: Date): Statement {
  const { builder, tables } = dialect
  const { sessions, users } = tables
  const enabled = builder
    .select({ one: sql`1` })
    .from(users)
    .where(and(eq(users.id, userId), isNull(users.disabledAt)))
  const update = builder
    .update(sessions)
    .set({ replacedAt: at })
    .where(
      all(
        eq(sessions.id, id),
        isNull(sessions.replacedAt),
        gt(sessions.expiresAt, at),
        exists(enabled),
        isNotRestoring(dialect),
      ),
    )
  return buildStatement(update, { isGate: true })
}

/**
 * Holds only after this batch's own replacement: of two at the same millisecond the second meets the first one's new
 * token, and a family that was ended has expired tokens, or none.
 */
function wasReplaced(dialect: Dialect, { id }: Pick<RefreshRow, 'id'>, { familyId }: NewSession, at: Date): SQL {
  const { builder, tables } = dialect
  const { sessions } = tables
  const replaced = builder
    .select({ one: sql`1` })
    .from(sessions)
    .where(and(eq(sessions.id, id), eq(sessions.replacedAt, at), gt(sessions.expiresAt, at)))
  const successor = builder
    .select({ one: sql`1` })
    .from(sessions)
    .where(and(eq(sessions.familyId, familyId), isNull(sessions.replacedAt)))
  return all(exists(replaced), not(exists(successor)))
}

const endFamilyStatement = defineStatement<{ familyId: string; at: Date }>()(
  ({ builder, tables: { sessions } }, bind) =>
    builder
      .update(sessions)
      .set({ replacedAt: bind('at', sessions.replacedAt), expiresAt: bind('at', sessions.expiresAt) })
      .where(
        and(
          eq(sessions.familyId, bind('familyId', sessions.familyId)),
          gt(sessions.expiresAt, bind('at', sessions.expiresAt)),
        ),
      ),
)

const liveFamilyQuery = defineQuery<{ familyId: string; at: Date }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, sessions } = tables
  const live = builder
    .select({ one: sql`1` })
    .from(sessions)
    .where(
      and(
        eq(sessions.familyId, bind('familyId', sessions.familyId)),
        gt(sessions.expiresAt, bind('at', sessions.expiresAt)),
      ),
    )
  return builder
    .select({ name: marks.name })
    .from(marks)
    .where(all(isAnchor(dialect), not(exists(live))))
})

/**
 * Ends a family one of whose tokens was used twice. Its rows stay until they are swept, so that each of its tokens goes
 * on to be known as used.
 */
export async function endFamily(store: Store, familyId: string, at: Date): Promise<void> {
  const input = { familyId, at }
  await store.write({
    writes: [endFamilyStatement(store.dialect, input)],
    applied: liveFamilyQuery(store.dialect, input),
  })
}

/** Gives a row when there is no such refresh token. */
const loggedOutQuery = defineQuery<{ refreshSha256: string }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, sessions } = tables
  const token = builder
    .select({ one: sql`1` })
    .from(sessions)
    .where(eq(sessions.refreshSha256, bind('refreshSha256', sessions.refreshSha256)))
  return builder
    .select({ name: marks.name })
    .from(marks)
    .where(all(isAnchor(dialect), not(exists(token))))
})

/** Ends the family of a refresh token, if there is one. */
export async function logOut(store: Store, refreshSha256: string): Promise<void> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { marks, sessions } = tables
  // Named once more: MySQL reads no table that it deletes from, but for a derived one.
  const family = builder
    .select({ familyId: sessions.familyId })
    .from(sessions)
    .where(eq(sessions.refreshSha256, refreshSha256))
    .limit(1)
    .as('family')
  const remove = builder
    .delete(sessions)
    .where(
      all(
        inArray(sessions.familyId, builder.select({ familyId: family.familyId }).from(family)),
        isNotRestoring(dialect),
      ),
    )
  const restore = buildQuery(builder.select({ restore: marks.value }).from(marks).where(isAnchor(dialect)))
  const { rows } = await store.write({
    writes: [buildStatement(remove)],
    answer: restore,
    applied: loggedOutQuery(dialect, { refreshSha256 }),
  })
  if (rows.some((row) => row.restore !== null)) throw restoreError()
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
    rows
      .filter(isWholeSession)
      .map(({ id, createdAt, lastUsedAt, userAgent }) => ({ id, createdAt, lastUsedAt, userAgent })),
  )
}

function isWholeSession<Row extends { readonly id: string | null }>(row: Row): row is Row & SessionView {
  return row.id !== null
}

function listQuery(dialect: Dialect, caller: UserCaller, { limit, at, after }: SessionListing) {
  const { builder, tables } = dialect
  const { marks, users, sessions } = tables
  const page = builder
    .select({
      id: sessions.familyId,
      createdAt: sessions.createdAt,
      lastUsedAt: sessions.lastUsedAt,
      userAgent: sessions.userAgent,
    })
    .from(sessions)
    .where(
      and(
        eq(sessions.userId, caller.userId),
        isNull(sessions.replacedAt),
        gt(sessions.expiresAt, at),
        after === undefined
          ? undefined
          : and(
              lte(sessions.createdAt, after.at),
              or(lt(sessions.createdAt, after.at), lt(sessions.familyId, after.id)),
            ),
      ),
    )
    .orderBy(desc(sessions.createdAt), desc(sessions.familyId))
    .limit(limit + 1)
    .as('page')
  const select = builder
    .select({
      ...standingFields(dialect),
      id: page.id,
      createdAt: page.createdAt,
      lastUsedAt: page.lastUsedAt,
      userAgent: page.userAgent,
    })
    .from(marks)
    .leftJoin(users, isThisCaller(dialect, caller))
    .leftJoin(page, sql`1 = 1`)
    .where(isAnchor(dialect))
    .orderBy(desc(page.createdAt), desc(page.id))
  return buildQuery(select)
}

/** Ends one of the caller's own sessions. */
export async function deleteSession(store: Store, caller: UserCaller, familyId: string): Promise<Outcome<void>> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { marks, sessions } = tables
  const isOwn = and(eq(sessions.familyId, familyId), eq(sessions.userId, caller.userId))
  const left = builder
    .select({ one: sql`1` })
    .from(sessions)
    .where(isOwn)
  const gone = builder
    .select({ name: marks.name })
    .from(marks)
    .where(all(isAnchor(dialect), not(exists(left))))
  const { affected } = await store.write({
    writes: [buildStatement(builder.delete(sessions).where(all(mayAct(dialect, caller), isOwn)))],
    applied: buildQuery(gone),
  })
  if (affected[0] !== 0) return done(undefined)
  const check = await checkSession(store, caller, familyId)
  return check.ok ? refused('not_found') : check
}

/** Whether the caller has the session, alive or ended. */
export async function checkSession(store: Store, caller: UserCaller, familyId: string): Promise<Outcome<void>> {
  const { dialect } = store
  const { marks, users, sessions } = dialect.tables
  const query = buildQuery(
    dialect.builder
      .select({ ...standingFields(dialect), familyId: sessions.familyId })
      .from(marks)
      .leftJoin(users, isThisCaller(dialect, caller))
      .leftJoin(sessions, and(eq(sessions.familyId, familyId), eq(sessions.userId, users.id)))
      .where(isAnchor(dialect)),
  )
  const [row] = await store.read(query)
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  return row === undefined || row.familyId === null ? refused('not_found') : done(undefined)
}
