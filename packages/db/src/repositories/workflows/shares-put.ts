import { aliasedTable, and, eq, exists, isNull, ne, not, or, sql, type SQL } from 'drizzle-orm'
import {
  all,
  any,
  done,
  isThisCaller,
  type Outcome,
  type PermissionRow,
  type Refusal,
  refused,
  type StandingRow,
  type UserCaller,
  absentFor,
} from '../../access/access.ts'
import { callerLocks } from '../../access/caller-locks.ts'
import type { SharePermission } from '../../schema/schema.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { RowLock } from '../../sql/lock-order.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Query, Statement } from '../../sql/statement.ts'
import {
  storeResponse,
  type Idempotent,
  type StoredOutcome,
  type StoredResponse,
  underKey,
} from '../../store/idempotency.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { storeResponseAlone } from '../../store/stored-responses.ts'
import type { Store } from '../../store/store.ts'
import { untilSettled, type Raced } from '../../store/until-settled.ts'
import {
  countFields,
  isWithinLimits,
  rateLimitOf,
  type Attempt,
  type CountRow,
  type RateLimited,
} from '../accounts/login-attempts.ts'
import type { RateLimits } from '../accounts/rate-limits.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, insertEventFrom, isRecorded, textMember } from '../audit/event.ts'
import type { ShareView } from './shares.ts'
import { lockWorkflow } from './workflow-locks.ts'
import { accessOf } from './workflows.ts'
import { mayActAs, mayOnWorkflow } from '../../access/conditions.ts'
import { existsIn } from '../../sql/exists.ts'
import { fromWorkflow } from '../../access/reads.ts'

/** With whom a workflow is shared: by id, or by the key of a username. */
export type ShareTarget = { readonly userId: string } | { readonly usernameKey: string }

export interface NewShare {
  readonly id: string
  readonly target: ShareTarget
  readonly permission: SharePermission
  readonly at: Date
  /** Id of what counts against the caller's limit. */
  readonly attemptId: string
  readonly rates: RateLimits
  /** Names this write: the id of its audit event. */
  readonly operation: string
}

export interface Shared {
  readonly share: ShareView
  readonly isNew: boolean
}

/** `unknown_user`: nobody has that id or name. `own_user`: the caller itself, or who owns the workflow. */
export type ShareRefusal = Refusal | 'unknown_user' | 'own_user'

/** An Idempotency-Key's request; the answer depends on whether the share is new, and on the user's name. */
export type IdempotentShare = Omit<Idempotent, 'answer'> & { readonly answerFor: (shared: Shared) => StoredResponse }

type ShareOutcome = Outcome<Shared, ShareRefusal> | RateLimited

/** Grants a user a permission on a workflow, or changes it. Its revision stays. */
export async function putShare(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  share: NewShare,
  idempotent?: IdempotentShare,
): Promise<ShareOutcome | StoredOutcome> {
  const attempt = () =>
    idempotent === undefined
      ? writeShare(store, caller, workflowId, share)
      : writeForeseen(store, caller, workflowId, share, idempotent)
  return underKey(store, caller, idempotent, () => untilSettled<ShareOutcome | StoredOutcome>(attempt, 'the share'))
}

async function writeShare(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  share: NewShare,
): Promise<ShareOutcome | Raced> {
  const { dialect } = store
  const { isOpen, rows, readAs } = await store.apply({
    locks: shareLocks(dialect, caller, workflowId, share),
    gate: recordShare(dialect, caller, workflowId, share),
    effects: putEffects(dialect, caller, workflowId, share),
    answer: (as) => shareQuery(dialect, as(caller), workflowId, share),
    answersWhenClosed: true,
    proof: eventQuery(dialect, share.operation),
  })
  if (isOpen) return sharedOf(readAs(caller), rows[0], share)
  const found = judge(caller, rows[0])
  if (!found.ok) return found
  if (isAsWanted(found.value, share)) return done(asPut(found.value, share))
  // Nothing else closes the gate: in an answer of a moment later there may be room again.
  return limitOf(rows[0], share) ?? 'raced'
}

/**
 * The key's response is stored in the batch that makes the share, so what it says is read before, and the batch holds only
 * while that is still so.
 */
async function writeForeseen(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  share: NewShare,
  { answerFor, ...request }: IdempotentShare,
): Promise<ShareOutcome | StoredOutcome | Raced> {
  const { dialect } = store
  const [row] = await store.read(shareQuery(dialect, caller, workflowId, share))
  const foreseen = foresee(caller, row, share)
  if (!foreseen.ok) return foreseen
  const shared = asPut(foreseen.value, share)
  const storing = { ...request, answer: answerFor(shared) }
  if (isAsWanted(foreseen.value, share)) return (await storeResponseAlone(store, caller, storing)) ?? done(shared)
  const { isOpen } = await store.apply({
    locks: shareLocks(dialect, caller, workflowId, share),
    gate: recordShare(dialect, caller, workflowId, share, foreseen.value),
    effects: [storeResponse(dialect, caller, storing), ...putEffects(dialect, caller, workflowId, share)],
    proof: eventQuery(dialect, share.operation),
  })
  return isOpen ? done(shared) : 'raced'
}

/** Refusals that rank before a limit. */
function ranksFirst(refusal: ShareRefusal): boolean {
  return refusal === 'unauthenticated' || refusal === 'account_disabled'
}

/** The caller's row is held alone: it stands for how much the caller has shared, which the gate counts. */
function shareLocks(dialect: Dialect, caller: UserCaller, workflowId: string, share: NewShare): readonly RowLock[] {
  return [
    ...callerLocks(dialect, caller, 'no key update'),
    rowLock(dialect, 'users', 'key share', isTarget(dialect, share)),
    lockWorkflow(dialect, workflowId, 'no key update'),
  ]
}

function attemptOf(caller: UserCaller, { attemptId, rates, at }: NewShare): Attempt {
  return { id: attemptId, kind: 'share', nameKey: caller.userId, network: '', rates, at }
}

function isTarget({ tables: { users } }: Dialect, { target }: NewShare): SQL {
  return 'userId' in target ? eq(users.id, target.userId) : eq(users.usernameKey, target.usernameKey)
}

/**
 * The gate: the workflow and the user, where the caller may share the one with the other, and that would be new or
 * another permission. Bound to the share that was foreseen, where the response is stored under a key. The caller's row comes
 * first, and all that is asked of the caller is asked by it: where the gate is what locks, shares by one caller wait
 * there, before any of them has read how many there are.
 */
function recordShare(
  dialect: Dialect,
  caller: UserCaller,
  workflowId: string,
  share: NewShare,
  foreseen?: FoundShare,
): Statement {
  const { users, workflows, workflowShares } = dialect.tables
  const callerRow = aliasedTable(users, 'caller')
  const callerId = sql`${callerRow.id}`
  const isTheUsers = eq(workflowShares.sharedWithUserId, users.id)
  const isNew = not(exists(shareWhere(dialect, workflowId, isTheUsers)))
  const isOther = and(isTheUsers, ne(workflowShares.permission, share.permission))
  const isForeseen =
    foreseen === undefined
      ? undefined
      : foreseen.existing === undefined
        ? isNew
        : exists(shareWhere(dialect, workflowId, and(isTheUsers, eq(workflowShares.id, foreseen.existing.id))))
  const counted = { ...attemptOf(caller, share), nameKey: callerId }
  const condition = all(
    ne(users.id, caller.userId),
    any(isNull(workflows.ownerId), ne(users.id, workflows.ownerId)),
    or(
      and(isNew, isWithinLimits(dialect, counted, share.at, { isRecorded: false })),
      exists(shareWhere(dialect, workflowId, isOther)),
    ),
    isForeseen,
    mayActAs(dialect, caller, callerRow),
    mayOnWorkflow(dialect, { ...caller, userId: callerId }, workflows, 'owner'),
  )
  const event = callerEvent(dialect, caller, {
    id: share.operation,
    at: share.at,
    type: 'workflow.shared',
    subject: { type: 'workflow', id: workflowId },
    workflowId,
    ownerId: sql`${workflows.ownerId}`,
    data: { userId: textMember(dialect, sql`${users.id}`), permission: share.permission },
  })
  const source = sql`${users} as ${callerRow}
    inner join ${workflows} on ${eq(workflows.id, workflowId)}
    inner join ${users} on ${isTarget(dialect, share)}
    where ${condition}`
  return buildStatement(insertEventFrom(dialect, event, dialect.gate.holding(source)))
}

function shareWhere({ builder, tables: { workflowShares } }: Dialect, workflowId: string, condition: SQL | undefined) {
  return builder
    .select({ one: sql`1` })
    .from(workflowShares)
    .where(and(eq(workflowShares.workflowId, workflowId), condition))
}

/** What counts, where the share is new, and the share. */
function putEffects(dialect: Dialect, caller: UserCaller, workflowId: string, share: NewShare): readonly Statement[] {
  const { builder, tables } = dialect
  const { users, workflowShares, loginAttempts } = tables
  const target = builder.select({ id: users.id }).from(users).where(isTarget(dialect, share))
  const isDone = isRecorded(dialect, share.operation)
  const isThere = exists(shareWhere(dialect, workflowId, sql`${workflowShares.sharedWithUserId} = (${target})`))
  const { id, kind, nameKey, network, at } = attemptOf(caller, share)
  const attempt = { id, kind, nameKey, network, attemptedAt: at }
  const row = {
    id: share.id,
    workflowId,
    sharedWithUserId: sql`(${target})`,
    permission: share.permission,
    createdAt: share.at,
    sharedBy: caller.userId,
  }
  const ending = dialect.orUpdate(
    [workflowShares.workflowId, workflowShares.sharedWithUserId],
    [workflowShares.permission],
  )
  return [
    buildStatement(insertWhere(dialect, loginAttempts, attempt, all(isDone, not(isThere)))),
    buildStatement(insertWhere(dialect, workflowShares, row, sql`${isDone} ${ending}`)),
  ]
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
    /** Whether this write has counted as a new share, which no write after it changes. */
    readonly isCounted: number | null
  }

function shareQuery(dialect: Dialect, caller: UserCaller, workflowId: string, share: NewShare): Query<ShareRow> {
  const { builder, tables } = dialect
  const { users, workflows, workflowShares, loginAttempts } = tables
  const isCounted = existsIn(dialect, loginAttempts, eq(loginAttempts.id, share.attemptId))
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
  const select = fromWorkflow(dialect, isThisCaller(dialect, caller), {
    isWorkflow: eq(workflows.id, workflowId),
    fields: {
      ...countFields(dialect, attemptOf(caller, share), share.at),
      id: workflows.id,
      targetId: target.targetId,
      username: target.username,
      shareId: existing.shareId,
      permission: existing.granted,
      sharedAt: existing.sharedAt,
      isCounted: sql`case when ${isCounted} then 1 else 0 end`.mapWith(Number),
    },
    joins: [
      [target, sql`1 = 1`],
      [existing, eq(existing.sharedWith, target.targetId)],
    ],
  })
  return buildQuery(select)
}

/** The user with whom it is to be shared, and the share that there is. */
interface FoundShare {
  readonly target: Pick<ShareView, 'sharedWithUserId' | 'username'>
  readonly existing: Pick<ShareView, 'id' | 'permission' | 'createdAt'> | undefined
}

function judge(caller: UserCaller, row: ShareRow | undefined): Outcome<FoundShare, ShareRefusal> {
  const access = accessOf(caller, row, 'owner')
  if (!access.ok) return access
  const found = row && foundOf(row)
  if (found === undefined) return refused('unknown_user')
  const { sharedWithUserId } = found.target
  return sharedWithUserId === caller.userId || sharedWithUserId === row?.ownerId ? refused('own_user') : done(found)
}

function foundOf({ targetId, username, shareId, sharedAt, permission }: ShareRow): FoundShare | undefined {
  if (targetId === null || username === null) return undefined
  const isThere = shareId !== null && sharedAt !== null && permission !== null
  return {
    target: { sharedWithUserId: targetId, username },
    existing: isThere ? { id: shareId, permission, createdAt: sharedAt } : undefined,
  }
}

/**
 * What was written, whoever owns the workflow by now. After a lost answer a new share is told as it was made, though others
 * have taken it away or made another since; of a changed one that is gone nobody knows the id.
 */
function sharedOf(caller: UserCaller, row: ShareRow | undefined, share: NewShare): Outcome<Shared> {
  const access = accessOf(caller, row, 'owner')
  if (!access.ok) return access
  const found = row && foundOf(row)
  if (found === undefined) return absentFor(caller)
  if (row?.isCounted === 1) return done(asPut({ target: found.target, existing: undefined }, share))
  return found.existing === undefined ? absentFor(caller) : done(asPut(found, share))
}

/** What there is before the write; standing and the limit come first. */
function foresee(
  caller: UserCaller,
  row: ShareRow | undefined,
  share: NewShare,
): Outcome<FoundShare, ShareRefusal> | RateLimited {
  const found = judge(caller, row)
  if (!found.ok && ranksFirst(found.refusal)) return found
  const isNew = !found.ok || found.value.existing === undefined
  return (isNew ? limitOf(row, share) : undefined) ?? found
}

function limitOf(row: ShareRow | undefined, { rates, at }: NewShare): RateLimited | undefined {
  return row && rateLimitOf({ kind: 'share', rates }, row, at, { isRecorded: false })
}

function isAsWanted({ existing }: FoundShare, { permission }: NewShare): boolean {
  return existing?.permission === permission
}

/** The share as the write leaves it. */
function asPut({ target, existing }: FoundShare, { id, permission, at }: NewShare): Shared {
  const share = { id: existing?.id ?? id, permission, createdAt: existing?.createdAt ?? at, ...target }
  return { share, isNew: existing === undefined }
}
