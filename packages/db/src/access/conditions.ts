import { and, eq, exists, inArray, isNotNull, isNull, lte, not, sql, type Column, type SQL } from 'drizzle-orm'
import { restoreMark } from '../schema/schema.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Bind } from '../sql/building.ts'
import { all, any, includes, type Credential, type Permission, type UserCaller } from './access.ts'
import { existsIn } from '../sql/exists.ts'

/* What a write's gate asks of its caller. What a read tells of one is judged in access.ts. */

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
  readonly credential: Credential
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

/** The condition in a write that the caller may act at all: known, not disabled, with a token that counts. */
export function mayAct(dialect: Dialect, caller: CallerTerms): SQL {
  const { users } = dialect.tables
  const standing = existsIn(
    dialect,
    users,
    eq(users.id, caller.userId),
    isNull(users.disabledAt),
    lte(users.tokensValidFrom, caller.issuedAt),
  )
  return all(standing, hasCredential(dialect, caller), isNotRestoring(dialect))
}

/** The users of whom one is the caller, as a statement selects its row. */
export type CallerRow = Pick<Dialect['tables']['users'], 'id' | 'disabledAt' | 'tokensValidFrom'>

/**
 * As {@link mayAct}, of a caller whose row the statement itself selects and holds alone. A subquery that asked for the
 * row would share it first, and of two statements that share it neither could then have it alone.
 */
export function mayActAs(dialect: Dialect, caller: CallerTerms, row: CallerRow): SQL {
  const standing = all(eq(row.id, caller.userId), isNull(row.disabledAt), lte(row.tokensValidFrom, caller.issuedAt))
  return all(standing, hasCredential(dialect, caller), isNotRestoring(dialect))
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
  const { users } = tables
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
  return all(
    caller.mayAdminister ? exists(builder.select({ id: administrator.id }).from(administrator)) : sql`1 = 0`,
    hasCredential(dialect, caller),
    isNotRestoring(dialect),
  )
}

/** The condition in a write that the caller's permission on the workflow includes the one needed. */
export function mayOnWorkflow(
  { builder, tables: { users, workflowShares } }: Dialect,
  caller: CallerTerms,
  workflow: { readonly id: Column; readonly ownerId: Column },
  needed: Permission,
): SQL {
  const administrator = existsIn({ builder }, users, eq(users.id, caller.userId), eq(users.role, 'admin'))
  const sufficient = (['view', 'execute', 'edit'] as const).filter((permission) => includes(permission, needed))
  const share = existsIn(
    { builder },
    workflowShares,
    eq(workflowShares.workflowId, workflow.id),
    eq(workflowShares.sharedWithUserId, caller.userId),
    inArray(workflowShares.permission, sufficient),
  )
  return any(
    eq(workflow.ownerId, caller.userId),
    ...(caller.mayAdminister ? [administrator] : []),
    ...(sufficient.length > 0 ? [share] : []),
  )
}

/** The condition in a write that no restore is under way; of {@link mayAct} and {@link mayAdminister} a part. */
export function isNotRestoring(dialect: Dialect): SQL {
  const { marks } = dialect.tables
  return not(existsIn(dialect, marks, eq(marks.name, restoreMark), isNotNull(marks.value)))
}
