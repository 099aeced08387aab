import { and, desc, eq, exists, isNull, lt, lte, ne, not, or, sql, type SQL } from 'drizzle-orm'
import {
  all,
  any,
  done,
  isAnchor,
  isShareOfCaller,
  isThisCaller,
  mayAct,
  mayOnWorkflow,
  type Outcome,
  type Permission,
  permissionFields,
  type PermissionRow,
  type Refusal,
  refused,
  standingFields,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { WorkflowShareRow } from '../../schema/rows.ts'
import type { SharePermission } from '../../schema/schema.ts'
import { buildQuery, buildStatement, type Query, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { findKept, takeKey, withKey, type Idempotent, type Kept, type StoredAnswer } from '../../store/idempotency.ts'
import { insertFrom } from '../../store/insert-where.ts'
import {
  countFields,
  isWithinLimits,
  rateLimitOf,
  recordAttempt,
  withdrawAttempt,
  type Attempt,
  type CountRow,
  type RateLimited,
} from '../accounts/login-attempts.ts'
import { accessOf, checkWorkflow, type Keyset } from './workflows.ts'

/** A share as the workflow's owner sees it. */
export type ShareView = Pick<WorkflowShareRow, 'id' | 'sharedWithUserId' | 'permission' | 'createdAt'> & {
  readonly username: string
}

/** With whom a workflow is shared: by id, or by the key of a username. */
export type ShareTarget = { readonly userId: string } | { readonly usernameKey: string }

export interface NewShare {
  readonly id: string
  readonly target: ShareTarget
  readonly permission: SharePermission
  readonly at: Date
  /** Id of what counts against the caller's limit. */
  readonly attemptId: string
}

export interface Shared {
  readonly share: ShareView
  readonly isNew: boolean
}

/** `unknown_user`: nobody has that id or name. `own_user`: the caller itself, or who owns the workflow. */
export type ShareRefusal = Refusal | 'unknown_user' | 'own_user'

/** An Idempotency-Key's request; the answer depends on whether the share is new, and on the user's name. */
export type IdempotentShare = Omit<Idempotent, 'answer'> & { readonly answerFor: (shared: Shared) => StoredAnswer }

/** Grants a user a permission on a workflow, or changes it. Its revision stays. */
export async function putShare(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  share: NewShare,
  idempotent?: IdempotentShare,
): Promise<Outcome<Shared, ShareRefusal> | RateLimited | Kept> {
  if (idempotent === undefined) return writeShare(store, caller, workflowId, share, [])
  const { answerFor, ...request } = idempotent
  const [row] = await store.read(shareQuery(store.dialect, caller, workflowId, share))
  const foreseen = foresee(caller, row, share)
  if (!foreseen.ok) {
    const kept = ranksFirst(foreseen.refusal) ? undefined : await findKept(store, caller.userId, request)
    return kept ?? foreseen
  }
  const keeping = { ...request, answer: answerFor(foreseen.value) }
  const isAllowed = all(
    exists(allowedShare(store.dialect, caller, workflowId, share)),
    isWithinLimit(store.dialect, caller, workflowId, share),
  )
  const takesKey = takeKey(store.dialect, caller, keeping, isAllowed)
  return withKey(store, caller, keeping, () => writeShare(store, caller, workflowId, share, [takesKey]))
}

async function writeShare(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  share: NewShare,
  takesKey: readonly Statement[],
): Promise<Outcome<Shared, ShareRefusal> | RateLimited> {
  const { dialect } = store
  const attempt = attemptOf(caller, share)
  const isNew = all(
    exists(allowedShare(dialect, caller, workflowId, share)),
    not(exists(existingShare(dialect, workflowId, share))),
  )
  const { rows } = await store.write({
    // The attempt first: behind it, what takes the key and what makes the share see the same count.
    writes: [recordAttempt(dialect, attempt, isNew), ...takesKey, upsertShare(dialect, caller, workflowId, share)],
    answer: shareQuery(dialect, caller, workflowId, share),
    applied: appliedQuery(dialect, workflowId, share),
  })
  const outcome = judge(caller, rows[0], share)
  // Allowed, and yet there is nothing: the attempt was one too many.
  if (outcome === undefined) return (await withdrawAttempt(store, attempt)) ?? noLonger
  if (outcome.ok || ranksFirst(outcome.refusal)) return outcome
  const limited = rows[0] && rateLimitOf('share', rows[0], share.at, { isRecorded: false })
  return limited ?? outcome
}

/** The limit was reached when the share was to be made, and is no longer. */
const noLonger: RateLimited = { ok: false, refusal: 'rate_limited', retryAfterSeconds: 1 }

/** Refusals that rank before what an Idempotency-Key says. */
function ranksFirst(refusal: ShareRefusal | 'rate_limited'): boolean {
  return refusal === 'unauthenticated' || refusal === 'account_disabled' || refusal === 'rate_limited'
}

function attemptOf(caller: UserCaller, { attemptId, at }: NewShare): Attempt {
  return { id: attemptId, kind: 'share', nameKey: caller.userId, network: '', at }
}

function isTarget({ tables: { users } }: Dialect, { target }: NewShare): SQL {
  return 'userId' in target ? eq(users.id, target.userId) : eq(users.usernameKey, target.usernameKey)
}

/** The workflow and the user, where the caller may share the one with the other. */
function allowedShare(dialect: Dialect, caller: UserCaller, workflowId: string, share: NewShare) {
  const { builder, tables } = dialect
  const { users, workflows } = tables
  return builder
    .select({ one: sql`1` })
    .from(workflows)
    .innerJoin(users, isTarget(dialect, share))
    .where(mayShare(dialect, caller, workflowId))
}

function mayShare(dialect: Dialect, caller: UserCaller, workflowId: string): SQL {
  const { users, workflows } = dialect.tables
  return all(
    eq(workflows.id, workflowId),
    ne(users.id, caller.userId),
    any(isNull(workflows.ownerId), ne(users.id, workflows.ownerId)),
    mayAct(dialect, caller),
    mayOnWorkflow(dialect, caller, workflows, 'owner'),
  )
}

function existingShare(dialect: Dialect, workflowId: string, share: NewShare) {
  const { builder, tables } = dialect
  const { users, workflowShares } = tables
  return builder
    .select({ id: workflowShares.id })
    .from(workflowShares)
    .innerJoin(users, all(eq(users.id, workflowShares.sharedWithUserId), isTarget(dialect, share)))
    .where(eq(workflowShares.workflowId, workflowId))
}

/** A new share needs the limit, which counts this one already; a change does not. */
function isWithinLimit(dialect: Dialect, caller: UserCaller, workflowId: string, share: NewShare): SQL {
  return any(
    isWithinLimits(dialect, attemptOf(caller, share), share.at, { isRecorded: true }),
    exists(existingShare(dialect, workflowId, share)),
  )
}

function upsertShare(dialect: Dialect, caller: UserCaller, workflowId: string, share: NewShare): Statement {
  const { users, workflows, workflowShares } = dialect.tables
  const condition = all(mayShare(dialect, caller, workflowId), isWithinLimit(dialect, caller, workflowId, share))
  const row = {
    id: share.id,
    workflowId: workflows.id,
    sharedWithUserId: users.id,
    permission: share.permission,
    createdAt: share.at,
    sharedBy: caller.userId,
  }
  const ending = dialect.orUpdate(
    [workflowShares.workflowId, workflowShares.sharedWithUserId],
    [workflowShares.permission],
  )
  const source = sql`${workflows} inner join ${users} on ${isTarget(dialect, share)} where ${condition} ${ending}`
  return buildStatement(insertFrom(dialect, workflowShares, row, source))
}

/** What decides about a share, and what there is of it. */
type ShareRow = StandingRow &
  PermissionRow &
  CountRow & {
    readonly id: string | null
    readonly targetId: string | null
    readonly username: string | null
    readonly shareId: string | null
    readonly permission: SharePermission | null
    readonly sharedAt: Date | null
  }

function shareQuery(dialect: Dialect, caller: UserCaller, workflowId: string, share: NewShare): Query<ShareRow> {
  const { builder, tables } = dialect
  const { marks, users, workflows, workflowShares } = tables
  const target = builder
    .select({ targetId: users.id, username: users.username })
    .from(users)
    .where(isTarget(dialect, share))
    .as('target')
  const existing = builder
    .select({
      shareId: workflowShares.id,
      sharedWith: workflowShares.sharedWithUserId,
      granted: workflowShares.permission,
      sharedAt: workflowShares.createdAt,
    })
    .from(workflowShares)
    .where(eq(workflowShares.workflowId, workflowId))
    .as('existing')
  const select = builder
    .select({
      ...standingFields(dialect),
      ...countFields(dialect, attemptOf(caller, share), share.at),
      id: workflows.id,
      ...permissionFields(dialect),
      targetId: target.targetId,
      username: target.username,
      shareId: existing.shareId,
      permission: existing.granted,
      sharedAt: existing.sharedAt,
    })
    .from(marks)
    .leftJoin(users, isThisCaller(dialect, caller))
    .leftJoin(workflows, eq(workflows.id, workflowId))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .leftJoin(target, sql`1 = 1`)
    .leftJoin(existing, eq(existing.sharedWith, target.targetId))
    .where(isAnchor(dialect))
  return buildQuery(select)
}

/** What the write will leave, by what there is before it. */
function foresee(
  caller: UserCaller,
  row: ShareRow | undefined,
  { id, permission, at }: NewShare,
): Outcome<Shared, ShareRefusal> | RateLimited {
  const access = accessOf(caller, row, 'owner')
  if (!access.ok && ranksFirst(access.refusal)) return access
  const isNew = row?.shareId === null
  const limited = row === undefined || !isNew ? undefined : rateLimitOf('share', row, at, { isRecorded: false })
  if (limited !== undefined) return limited
  if (!access.ok) return access
  const found = targetOf(caller, row)
  if (!found.ok) return found
  const share = { id: row?.shareId ?? id, permission, createdAt: row?.sharedAt ?? at, ...found.value }
  return done({ share, isNew })
}

/** What the write has left; undefined where all allowed it, and it did nothing. */
function judge(
  caller: UserCaller,
  row: ShareRow | undefined,
  { id, permission }: NewShare,
): Outcome<Shared, ShareRefusal> | undefined {
  const access = accessOf(caller, row, 'owner')
  if (!access.ok) return access
  const found = targetOf(caller, row)
  if (!found.ok) return found
  const { shareId = null, sharedAt = null } = row ?? {}
  if (shareId === null || sharedAt === null || row?.permission !== permission) return undefined
  return done({ share: { id: shareId, permission, createdAt: sharedAt, ...found.value }, isNew: shareId === id })
}

function targetOf(
  caller: UserCaller,
  row: ShareRow | undefined,
): Outcome<Pick<ShareView, 'sharedWithUserId' | 'username'>, ShareRefusal> {
  const { targetId = null, username = null } = row ?? {}
  if (targetId === null || username === null) return refused('unknown_user')
  if (targetId === caller.userId || targetId === row?.ownerId) return refused('own_user')
  return done({ sharedWithUserId: targetId, username })
}

/** Gives a row when the share is as it was to be; sending the same once more changes nothing. */
function appliedQuery(dialect: Dialect, workflowId: string, share: NewShare) {
  const { builder, tables } = dialect
  const { users, workflowShares } = tables
  return buildQuery(
    builder
      .select({ id: workflowShares.id })
      .from(workflowShares)
      .innerJoin(users, all(eq(users.id, workflowShares.sharedWithUserId), isTarget(dialect, share)))
      .where(and(eq(workflowShares.workflowId, workflowId), eq(workflowShares.permission, share.permission))),
  )
}

export interface ShareListing {
  readonly limit: number
  readonly after?: Keyset | undefined
}

/** A page of a workflow's shares, newest first, and one row more where there are more. */
export async function listShares(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  listing: ShareListing,
): Promise<Outcome<readonly ShareView[]>> {
  const rows = await store.read(listQuery(store.dialect, caller, workflowId, listing))
  const access = accessOf(caller, rows[0], 'owner')
  if (!access.ok) return access
  return done(
    rows.filter(isWholeShare).map(({ shareId, sharedWithUserId, username, permission, sharedAt }) => ({
      id: shareId,
      sharedWithUserId,
      username,
      permission,
      createdAt: sharedAt,
    })),
  )
}

function isWholeShare<Row extends { readonly shareId: string | null }>(
  row: Row,
): row is Row & Omit<ShareView, 'id' | 'createdAt'> & { readonly shareId: string; readonly sharedAt: Date } {
  return row.shareId !== null
}

function listQuery(dialect: Dialect, caller: UserCaller, workflowId: string, { limit, after }: ShareListing) {
  const { builder, tables } = dialect
  const { marks, users, workflows, workflowShares } = tables
  const page = builder
    .select({
      shareId: workflowShares.id,
      sharedWithUserId: workflowShares.sharedWithUserId,
      username: users.username,
      permission: workflowShares.permission,
      sharedAt: workflowShares.createdAt,
    })
    .from(workflowShares)
    .innerJoin(users, eq(users.id, workflowShares.sharedWithUserId))
    .where(
      and(
        eq(workflowShares.workflowId, workflowId),
        after === undefined
          ? undefined
          : and(
              lte(workflowShares.createdAt, after.at),
              or(lt(workflowShares.createdAt, after.at), lt(workflowShares.id, after.id)),
            ),
      ),
    )
    .orderBy(desc(workflowShares.createdAt), desc(workflowShares.id))
    .limit(limit + 1)
    .as('page')
  const select = builder
    .select({
      ...standingFields(dialect),
      id: workflows.id,
      ...permissionFields(dialect),
      shareId: page.shareId,
      sharedWithUserId: page.sharedWithUserId,
      username: page.username,
      permission: page.permission,
      sharedAt: page.sharedAt,
    })
    .from(marks)
    .leftJoin(users, isThisCaller(dialect, caller))
    .leftJoin(workflows, eq(workflows.id, workflowId))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .leftJoin(page, sql`1 = 1`)
    .where(isAnchor(dialect))
    .orderBy(desc(page.sharedAt), desc(page.shareId))
  return buildQuery(select)
}

/** Takes a user's share away: the owner does, or that user itself. */
export async function deleteShare(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  userId: string,
): Promise<Outcome<void>> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { marks, workflows, workflowShares } = tables
  const isShare = all(eq(workflowShares.workflowId, workflowId), eq(workflowShares.sharedWithUserId, userId))
  const owned = builder
    .select({ one: sql`1` })
    .from(workflows)
    .where(all(eq(workflows.id, workflowId), mayOnWorkflow(dialect, caller, workflows, 'owner')))
  const isAllowed = userId === caller.userId ? undefined : exists(owned)
  const share = builder
    .select({ one: sql`1` })
    .from(workflowShares)
    .where(isShare)
  const gone = builder
    .select({ name: marks.name })
    .from(marks)
    .where(all(isAnchor(dialect), not(exists(share))))
  const { affected } = await store.write({
    writes: [buildStatement(builder.delete(workflowShares).where(all(isShare, mayAct(dialect, caller), isAllowed)))],
    applied: buildQuery(gone),
  })
  if (affected[0] === 1) return done(undefined)
  const check = await checkWorkflow(store, caller, workflowId, neededToRemove(caller, userId))
  return check.ok ? refused('not_found') : check
}

function neededToRemove(caller: UserCaller, userId: string): Permission {
  return userId === caller.userId ? 'view' : 'owner'
}

/** Whether there is a share that the caller may take away. */
export async function checkShare(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  userId: string,
): Promise<Outcome<void>> {
  const check = await checkWorkflow(store, caller, workflowId, neededToRemove(caller, userId))
  if (!check.ok) return check
  const { builder, tables } = store.dialect
  const { workflowShares } = tables
  const share = builder
    .select({ id: workflowShares.id })
    .from(workflowShares)
    .where(and(eq(workflowShares.workflowId, workflowId), eq(workflowShares.sharedWithUserId, userId)))
  const found = await store.read(buildQuery(share))
  return found.length > 0 ? done(undefined) : refused('not_found')
}
