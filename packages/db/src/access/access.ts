import { and, eq, exists, inArray, isNotNull, isNull, lte, not, or, sql, type Column, type SQL } from 'drizzle-orm'
import type { Dialect } from '../sql/dialect.ts'
import { databaseError, type DatabaseError } from '../sql/errors.ts'
import { restoreMark, type Role, type SharePermission } from '../schema/schema.ts'
import type { Bind } from '../sql/statement.ts'

/** What a caller may do with a workflow; each includes those before it. */
export type Permission = 'view' | SharePermission | 'owner'

/** Who asks. A user's role and standing are read in the statement that decides, never taken from the token. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'user'
      readonly userId: string
      /** When the token was issued; tokens from before the user's `tokens_valid_from` don't count. */
      readonly issuedAt: Date
      /** False for an API key without the scope `admin`: it acts as if its user had no role. */
      readonly mayAdminister: boolean
      /** Of the API key that was sent, in hex; such a caller counts only while the key is there. */
      readonly keySha256?: string | undefined
      /**
       * The session, that is the family of refresh tokens, that the access token belongs to; such a caller counts only
       * while the session lives. A command's caller has neither a session nor a key.
       */
      readonly sessionId?: string | undefined
      /** Undefined for a command. */
      readonly origin?: Origin | undefined
    }

/** Which request a caller comes with, and from where: what an audit event says of it. */
export interface Origin {
  readonly requestId: string
  /** An IPv4 address or an IPv6 /64. */
  readonly network: string
}

export type UserCaller = Extract<Caller, { kind: 'user' }>

/** Why something was not done, in the order of precedence. */
export type Refusal = 'unauthenticated' | 'account_disabled' | 'not_found' | 'forbidden' | 'precondition_failed'

export type Outcome<Value, Reason extends string = Refusal> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly refusal: Reason }

export function done<Value>(value: Value): { readonly ok: true; readonly value: Value } {
  return { ok: true, value }
}

export function refused<Reason extends string>(refusal: Reason): { readonly ok: false; readonly refusal: Reason } {
  return { ok: false, refusal }
}

/** The caller's own columns in every read: selected from `marks`, joined with `users`. */
export interface StandingRow {
  readonly restore: string | null
  readonly callerId: string | null
  readonly role: Role | null
  readonly disabledAt: Date | null
  readonly tokensValidFrom: Date | null
}

/** Columns that each read selects to know the caller's standing and whether a restore is under way. */
export function standingFields({ tables: { marks, users } }: Dialect) {
  return {
    restore: marks.value,
    callerId: users.id,
    role: users.role,
    disabledAt: users.disabledAt,
    tokensValidFrom: users.tokensValidFrom,
  }
}

/** The one row that every read starts from: it is there whether or not what is looked for is. */
export function isAnchor({ tables: { marks } }: Dialect): SQL {
  return eq(marks.name, restoreMark)
}

/** What to throw where {@link isAnchor} finds nothing. */
export function anchorLost(): DatabaseError {
  return databaseError('database_schema_outdated', 'the table marks has lost its row', { isNotApplied: true })
}

export interface Standing {
  readonly isAdmin: boolean
}

/**
 * Judges the caller by a read's row.
 * @throws DatabaseError `restore_in_progress`, or `database_schema_outdated` where the anchor row is gone.
 */
export function standingOf(caller: Caller, row: StandingRow | undefined): Outcome<Standing> {
  if (row === undefined) throw anchorLost()
  if (row.restore !== null) {
    throw databaseError('restore_in_progress', 'a restore into this database is under way', { isNotApplied: true })
  }
  if (caller.kind === 'anonymous') return done({ isAdmin: false })
  if (row.callerId === null || row.tokensValidFrom === null || row.tokensValidFrom > caller.issuedAt) {
    return refused('unauthenticated')
  }
  if (row.disabledAt !== null) return refused('account_disabled')
  return done({ isAdmin: row.role === 'admin' && caller.mayAdminister })
}

/** The caller's own id, for what it owns; null for an anonymous one. Its row is joined by {@link isCaller}. */
export function callerIdOf(caller: Caller): string | null {
  return caller.kind === 'user' ? caller.userId : null
}

/** What a read takes to find its caller's row. */
export interface CallerInput {
  readonly userId: string | null
  /** The same id for a command; null for a token and a key: then the session or the key has to be there. */
  readonly commandUserId: string | null
  readonly sessionId: string | null
  readonly keySha256: string | null
}

export function callerInput(caller: Caller): CallerInput {
  if (caller.kind === 'anonymous') return { userId: null, commandUserId: null, sessionId: null, keySha256: null }
  const { userId, sessionId, keySha256 } = caller
  const isCommand = sessionId === undefined && keySha256 === undefined
  return {
    userId,
    commandUserId: isCommand ? userId : null,
    sessionId: keySha256 === undefined ? (sessionId ?? null) : null,
    keySha256: keySha256 ?? null,
  }
}

/** Joins the caller's row: none for an anonymous one, for a user that is gone, and where its key or session is gone. */
export function isCaller({ builder, tables: { users, apiKeys, sessions } }: Dialect, bind: Bind<CallerInput>): SQL {
  const key = builder
    .select({ one: sql`1` })
    .from(apiKeys)
    .where(and(eq(apiKeys.userId, users.id), eq(apiKeys.keySha256, bind('keySha256', apiKeys.keySha256))))
  const session = builder
    .select({ one: sql`1` })
    .from(sessions)
    .where(
      and(
        eq(sessions.familyId, bind('sessionId', sessions.familyId)),
        isNull(sessions.replacedAt),
        eq(sessions.userId, users.id),
      ),
    )
  return all(
    eq(users.id, bind('userId', users.id)),
    any(exists(session), exists(key), eq(users.id, bind('commandUserId', users.id))),
  )
}

/** {@link isCaller} for a query that is built at each call. */
export function isThisCaller(dialect: Dialect, caller: Caller): SQL {
  const input = callerInput(caller)
  return isCaller(dialect, (name, column) => sql`${sql.param(input[name], column)}`)
}

/** A caller in a write's conditions: as it is, or as places in a statement that is built once. */
export interface CallerTerms {
  readonly userId: string | SQL
  readonly issuedAt: Date | SQL
  readonly mayAdminister: boolean
  readonly keySha256?: string | SQL | undefined
  readonly sessionId?: string | SQL | undefined
}

/** What of a caller the SQL of a write depends on. */
export interface CallerShape {
  readonly mayAdminister: boolean
  readonly credential: 'key' | 'session' | 'none'
}

export function callerShape({ mayAdminister, keySha256, sessionId }: UserCaller): CallerShape {
  const credential = keySha256 !== undefined ? 'key' : sessionId !== undefined ? 'session' : 'none'
  return { mayAdminister, credential }
}

/** What fills the places of {@link callerTerms}. */
export interface CallerValues {
  readonly userId: string
  readonly issuedAt: Date
  readonly keySha256: string | null
  readonly sessionId: string | null
}

export function callerValues({ userId, issuedAt, keySha256, sessionId }: UserCaller): CallerValues {
  return { userId, issuedAt, keySha256: keySha256 ?? null, sessionId: sessionId ?? null }
}

export function callerTerms(
  { tables: { users, apiKeys, sessions } }: Dialect,
  bind: Bind<CallerValues>,
  { mayAdminister, credential }: CallerShape,
): CallerTerms {
  return {
    userId: bind('userId', users.id),
    issuedAt: bind('issuedAt', users.tokensValidFrom),
    mayAdminister,
    keySha256: credential === 'key' ? bind('keySha256', apiKeys.keySha256) : undefined,
    sessionId: credential === 'session' ? bind('sessionId', sessions.familyId) : undefined,
  }
}

/** Who did something, as an audit event names it: a token by its session, a key by its id, which only the database knows. */
export function actorOf(
  { builder, tables: { apiKeys } }: Dialect,
  { userId, keySha256, sessionId }: UserCaller,
): { readonly kind: 'user' | 'key'; readonly userId: string; readonly id: string | SQL | null } {
  if (keySha256 === undefined) return { kind: 'user', userId, id: sessionId ?? null }
  const key = builder.select({ id: apiKeys.id }).from(apiKeys).where(eq(apiKeys.keySha256, keySha256))
  return { kind: 'key', userId, id: sql`(${key})` }
}

const ranks: Record<Permission, number> = { view: 1, execute: 2, edit: 3, owner: 4 }

export function includes(permission: Permission, needed: Permission): boolean {
  return ranks[permission] >= ranks[needed]
}

/** What decides a caller's permission on a workflow. */
export interface PermissionRow {
  readonly ownerId: string | null
  readonly isPublic: boolean | null
  readonly sharePermission: SharePermission | null
}

/** Columns from which a read that has joined a workflow, and {@link isShareOfCaller}, knows the caller's permission. */
export function permissionFields({ tables: { workflows, workflowShares } }: Dialect) {
  return {
    ownerId: workflows.ownerId,
    isPublic: workflows.isPublic,
    sharePermission: workflowShares.permission,
  }
}

/** Joins the share that the joined caller has of the joined workflow. */
export function isShareOfCaller({ tables: { users, workflows, workflowShares } }: Dialect): SQL {
  return all(eq(workflowShares.workflowId, workflows.id), eq(workflowShares.sharedWithUserId, users.id))
}

/** @returns undefined when the caller may not even see it. An ownerless workflow belongs to the administrators. */
export function permissionOf(caller: Caller, { isAdmin }: Standing, row: PermissionRow): Permission | undefined {
  if (isAdmin) return 'owner'
  if (caller.kind === 'user' && row.ownerId === caller.userId) return 'owner'
  if (row.sharePermission !== null) return row.sharePermission
  return row.isPublic === true ? 'view' : undefined
}

/** The condition in a write that the caller may act at all: known, not disabled, with a token that counts. */
export function mayAct(dialect: Dialect, caller: CallerTerms): SQL {
  const { builder, tables } = dialect
  const { users, marks } = tables
  const standing = builder
    .select({ one: sql`1` })
    .from(users)
    .where(and(eq(users.id, caller.userId), isNull(users.disabledAt), lte(users.tokensValidFrom, caller.issuedAt)))
  const restore = builder
    .select({ one: sql`1` })
    .from(marks)
    .where(and(eq(marks.name, restoreMark), isNotNull(marks.value)))
  return all(exists(standing), hasCredential(dialect, caller), not(exists(restore)))
}

/**
 * The condition in a write that what the caller came with still counts: its API key is there, or its session lives. As
 * derived tables: MySQL reads a table that it writes in no other way, and keys delete keys, sessions end sessions.
 */
export function hasCredential(
  { builder, tables: { apiKeys, sessions } }: Dialect,
  { userId, keySha256, sessionId }: CallerTerms,
): SQL | undefined {
  if (keySha256 !== undefined) {
    const key = builder
      .select({ id: apiKeys.id })
      .from(apiKeys)
      .where(and(eq(apiKeys.keySha256, keySha256), eq(apiKeys.userId, userId)))
      .limit(1)
      .as('caller_key')
    return exists(builder.select({ id: key.id }).from(key))
  }
  if (sessionId === undefined) return undefined
  const session = builder
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.familyId, sessionId), isNull(sessions.replacedAt), eq(sessions.userId, userId)))
    .limit(1)
    .as('caller_session')
  return exists(builder.select({ id: session.id }).from(session))
}

/**
 * The condition in a write that the caller may act and is an administrator; in an update of `users` too, hence the
 * derived table.
 */
export function mayAdminister(dialect: Dialect, caller: UserCaller): SQL {
  const { builder, tables } = dialect
  const { users, marks } = tables
  const administrator = builder
    .select({ id: users.id })
    .from(users)
    .where(
      and(
        eq(users.id, caller.userId),
        eq(users.role, 'admin'),
        isNull(users.disabledAt),
        lte(users.tokensValidFrom, caller.issuedAt),
      ),
    )
    .limit(1)
    .as('administrator')
  const restore = builder
    .select({ one: sql`1` })
    .from(marks)
    .where(and(eq(marks.name, restoreMark), isNotNull(marks.value)))
  return all(
    caller.mayAdminister ? exists(builder.select({ id: administrator.id }).from(administrator)) : sql`1 = 0`,
    hasCredential(dialect, caller),
    not(exists(restore)),
  )
}

/** The condition in a write that the caller's permission on the workflow includes the one needed. */
export function mayOnWorkflow(
  { builder, tables: { users, workflowShares } }: Dialect,
  caller: CallerTerms,
  workflow: { readonly id: Column; readonly ownerId: Column },
  needed: Permission,
): SQL {
  const administrator = builder
    .select({ one: sql`1` })
    .from(users)
    .where(and(eq(users.id, caller.userId), eq(users.role, 'admin')))
  const sufficient = (['view', 'execute', 'edit'] as const).filter((permission) => includes(permission, needed))
  const share = builder
    .select({ one: sql`1` })
    .from(workflowShares)
    .where(
      and(
        eq(workflowShares.workflowId, workflow.id),
        eq(workflowShares.sharedWithUserId, caller.userId),
        inArray(workflowShares.permission, sufficient),
      ),
    )
  return any(
    eq(workflow.ownerId, caller.userId),
    ...(caller.mayAdminister ? [exists(administrator)] : []),
    ...(sufficient.length > 0 ? [exists(share)] : []),
  )
}

/** `and` of conditions of which there is at least one. */
export function all(first: SQL, ...others: readonly (SQL | undefined)[]): SQL {
  return and(first, ...others) ?? first
}

/** `or` of conditions of which there is at least one. */
export function any(first: SQL, ...others: readonly (SQL | undefined)[]): SQL {
  return or(first, ...others) ?? first
}
