import { and, eq, isNull, or, sql, type SQL } from 'drizzle-orm'
import type { Dialect } from '../sql/dialect.ts'
import { databaseError, type DatabaseError } from '../sql/errors.ts'
import { restoreMark, type Role, type SharePermission } from '../schema/schema.ts'
import type { Bind } from '../sql/building.ts'
import { existsIn } from '../sql/exists.ts'

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
      /** See {@link asProven}. */
      readonly isProven?: boolean
    }

/** Which request a caller comes with, and from where: what an audit event says of it. */
export interface Origin {
  readonly requestId: string
  /** An IPv4 address or an IPv6 /64. */
  readonly network: string
}

export type UserCaller = Extract<Caller, { kind: 'user' }>

/**
 * The caller of a write that is known to be done, for reading its answer: the gate has decided that the caller may, and
 * whatever has become of the caller's session, key, account, role or share since decides nothing any more.
 */
export function asProven(caller: UserCaller): UserCaller {
  return { ...caller, isProven: true }
}

function isProven(caller: Caller): boolean {
  return caller.kind === 'user' && caller.isProven === true
}

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

/** The base row (anchor) that every read starts from: it exists whether or not what is looked for does. */
export function isAnchor({ tables: { marks } }: Dialect): SQL {
  return eq(marks.name, restoreMark)
}

/** What to throw where the base row is missing ({@link isAnchor}). */
export function anchorLost(): DatabaseError {
  return databaseError('database_schema_outdated', 'the table marks has lost its row', { isNotApplied: true })
}

export interface Standing {
  readonly isAdmin: boolean
}

/**
 * Judges the caller by a read's row.
 * @throws DatabaseError `restore_in_progress`, or `database_schema_outdated` where the base row is gone.
 */
export function standingOf(caller: Caller, row: StandingRow | undefined): Outcome<Standing> {
  if (row === undefined) throw anchorLost()
  // What was done before the mark is told as done.
  if (row.restore !== null && !isProven(caller)) throw restoreError()
  if (caller.kind === 'anonymous') return done({ isAdmin: false })
  const isAdmin = row.role === 'admin' && caller.mayAdminister
  if (isProven(caller)) return done({ isAdmin })
  if (row.callerId === null || row.tokensValidFrom === null || row.tokensValidFrom > caller.issuedAt) {
    return refused('unauthenticated')
  }
  if (row.disabledAt !== null) return refused('account_disabled')
  return done({ isAdmin })
}

/** Judges by a read's row whether the caller is an administrator. */
export function administratorOf(caller: Caller, row: StandingRow | undefined): Outcome<Standing> {
  const standing = standingOf(caller, row)
  if (!standing.ok || standing.value.isAdmin || isProven(caller)) return standing
  return refused('forbidden')
}

/**
 * The refusal where a read found nothing for its caller. Of what a write is proven to have done nothing may be left, or
 * nothing that the caller may see: then its answer is lost for good.
 * @throws DatabaseError `database_unreachable` then
 */
export function absentFor(caller: Caller) {
  if (isProven(caller)) {
    const message = 'the answer of a write was lost, and what it wrote is gone or not its to see since'
    throw databaseError('database_unreachable', message, { isNotApplied: false })
  }
  return refused(caller.kind === 'anonymous' ? 'unauthenticated' : 'not_found')
}

/** The caller's own id, for what it owns; null for an anonymous one. Its row is joined by {@link isCaller}. */
export function callerIdOf(caller: Caller): string | null {
  return caller.kind === 'user' ? caller.userId : null
}

/** What a read takes to find its caller's row. */
export interface CallerInput {
  readonly userId: string | null
  /** The same id for a command; null for a token and a key: then the session or the key has to be there. */
  readonly uncredentialedUserId: string | null
  readonly sessionId: string | null
  readonly keySha256: string | null
}

export function callerInput(caller: Caller): CallerInput {
  if (caller.kind === 'anonymous') return { userId: null, uncredentialedUserId: null, sessionId: null, keySha256: null }
  const { userId, sessionId, keySha256 } = caller
  const needsNone = isProven(caller) || (sessionId === undefined && keySha256 === undefined)
  return {
    userId,
    uncredentialedUserId: needsNone ? userId : null,
    sessionId: keySha256 === undefined ? (sessionId ?? null) : null,
    keySha256: keySha256 ?? null,
  }
}

/** What a caller came with. */
export type Credential = 'key' | 'session' | 'none'

/**
 * Joins the caller's row: none for an anonymous one, for a user that is gone, and where its key or session is gone.
 *
 * @param credential Where the statement is one of callers that came with this alone; else it is for callers of every kind.
 */
export function isCaller(
  { builder, tables: { users, apiKeys, sessions } }: Dialect,
  bind: Bind<CallerInput>,
  credential?: Credential,
): SQL {
  const key = existsIn(
    { builder },
    apiKeys,
    eq(apiKeys.userId, users.id),
    eq(apiKeys.keySha256, bind('keySha256', apiKeys.keySha256)),
  )
  const session = existsIn(
    { builder },
    sessions,
    eq(sessions.familyId, bind('sessionId', sessions.familyId)),
    isNull(sessions.replacedAt),
    eq(sessions.userId, users.id),
  )
  return all(
    eq(users.id, bind('userId', users.id)),
    any(
      eq(users.id, bind('uncredentialedUserId', users.id)),
      ...(credential === undefined || credential === 'session' ? [session] : []),
      ...(credential === undefined || credential === 'key' ? [key] : []),
    ),
  )
}

/** {@link isCaller} for a query that is built at each call. */
export function isThisCaller(dialect: Dialect, caller: Caller): SQL {
  const input = callerInput(caller)
  return isCaller(dialect, (name, column) => sql`${sql.param(input[name], column)}`)
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

/** Whether a permission suffices. Of a write that is proven done the gate has found that it did. */
export function permissionFor(
  caller: Caller,
  permission: Permission | undefined,
  needed: Permission,
): Outcome<Permission> {
  if (permission !== undefined && includes(permission, needed)) return done(permission)
  if (isProven(caller)) return done(needed)
  return permission === undefined ? absentFor(caller) : refused('forbidden')
}

interface WrittenRow {
  readonly updatedAt: Date | null
}

/**
 * Judges what the answer of a proven write shows. As the write has left it, its caller may see it; where others have
 * written since, whoever may see that now.
 * @param at When the row was written by it.
 * @throws DatabaseError `database_unreachable` where the caller may not: its answer is lost for good
 */
export function judgeWritten<Value>(
  caller: UserCaller,
  row: WrittenRow | undefined,
  { at, needed }: { readonly at: Date; readonly needed: Permission },
  judge: (caller: UserCaller, needed: Permission) => Outcome<Value>,
): Outcome<Value> {
  if (row?.updatedAt?.getTime() === at.getTime()) return judge(asProven(caller), needed)
  const outcome = judge({ ...caller, isProven: false }, 'view')
  return outcome.ok ? outcome : absentFor(asProven(caller))
}

/** @returns undefined when the caller may not even see it. An ownerless workflow belongs to the administrators. */
export function permissionOf(caller: Caller, { isAdmin }: Standing, row: PermissionRow): Permission | undefined {
  if (isAdmin) return 'owner'
  if (caller.kind === 'user' && row.ownerId === caller.userId) return 'owner'
  if (row.sharePermission !== null) return row.sharePermission
  return row.isPublic === true ? 'view' : undefined
}

/** `and` of conditions of which there is at least one. */
export function all(first: SQL, ...others: readonly (SQL | undefined)[]): SQL {
  return and(first, ...others) ?? first
}

/** `or` of conditions of which there is at least one. */
export function any(first: SQL, ...others: readonly (SQL | undefined)[]): SQL {
  return or(first, ...others) ?? first
}

export function restoreError(): DatabaseError {
  return databaseError('restore_in_progress', 'a restore into this database is under way', { isNotApplied: true })
}
