import { and, eq, sql } from 'drizzle-orm'
import { all, done, type Outcome, type Permission, refused, type UserCaller } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, insertEventFrom, ownerOf, textMember } from '../audit/event.ts'
import { workflowLocks } from './workflow-locks.ts'
import { checkWorkflow } from './workflows.ts'
import { mayOnWorkflow, mayAct } from '../../access/conditions.ts'
import { existsIn } from '../../sql/exists.ts'

export interface ShareRemoval {
  readonly workflowId: string
  /** With whom it is shared. */
  readonly userId: string
  /** Names this write: the id of its audit event. */
  readonly operation: string
  readonly at: Date
}

/** Takes a user's share away: the owner does, or that user itself. */
export async function deleteShare(store: Store, caller: UserCaller, removal: ShareRemoval): Promise<Outcome<void>> {
  const { dialect } = store
  const { workflowId, userId, operation } = removal
  const { builder, tables } = dialect
  const { workflowShares } = tables
  const isShare = and(eq(workflowShares.workflowId, workflowId), eq(workflowShares.sharedWithUserId, userId))
  const { isOpen } = await store.apply({
    locks: workflowLocks(dialect, caller, workflowId, 'no key update'),
    gate: recordRemoval(dialect, caller, removal),
    effects: [buildStatement(builder.delete(workflowShares).where(isShare))],
    proof: eventQuery(dialect, operation),
  })
  if (isOpen) return done(undefined)
  const check = await checkWorkflow(store, caller, workflowId, neededToRemove(caller, userId))
  return check.ok ? refused('not_found') : check
}

/** The gate: what the share was. */
function recordRemoval(
  dialect: Dialect,
  caller: UserCaller,
  { workflowId, userId, operation, at }: ShareRemoval,
): Statement {
  const { workflows, workflowShares } = dialect.tables
  const owned = existsIn(
    dialect,
    workflows,
    eq(workflows.id, workflowId),
    mayOnWorkflow(dialect, caller, workflows, 'owner'),
  )
  const condition = all(
    eq(workflowShares.workflowId, workflowId),
    eq(workflowShares.sharedWithUserId, userId),
    mayAct(dialect, caller),
    userId === caller.userId ? undefined : owned,
  )
  const event = callerEvent(dialect, caller, {
    id: operation,
    at,
    type: 'workflow.unshared',
    subject: { type: 'workflow', id: workflowId },
    workflowId,
    ownerId: ownerOf(dialect, workflowId),
    data: { userId, permission: textMember(dialect, sql`${workflowShares.permission}`) },
  })
  const source = sql`${workflowShares} where ${condition}`
  return buildStatement(insertEventFrom(dialect, event, dialect.gate.holding(source)))
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
