import { and, eq, exists, inArray, isNotNull, isNull, ne, sql, type SQL } from 'drizzle-orm'
import {
  all,
  any,
  includes,
  judgeWritten,
  isThisCaller,
  type Outcome,
  type Refusal,
  refused,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import { insertFrom } from '../../store/insert-where.ts'
import type { Store } from '../../store/store.ts'
import {
  countAttempt,
  countFields,
  isWithinLimits,
  rateLimitOf,
  type Attempt,
  type RateLimited,
} from '../accounts/login-attempts.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, insertEventFrom, isRecorded, textMember } from '../audit/event.ts'
import { hasRevision, type RevisionCondition } from './revisions.ts'
import { workflowLocks } from './workflow-locks.ts'
import { summaryFields, viewOf, type WorkflowView } from './workflows.ts'
import { mayAct, mayOnWorkflow } from '../../access/conditions.ts'
import { fromWorkflow } from '../../access/reads.ts'

export interface Transfer {
  /** Key of the new owner's username. */
  readonly usernameKey: string
  readonly ifRevision: RevisionCondition
  /** Counts where nobody has the name, as a failed log-in does. */
  readonly lookup: Attempt
  /** Id of the share that the old owner keeps. */
  readonly shareId: string
  /** Names this write: the id of its audit event, which the row keeps too. */
  readonly operation: string
  readonly at: Date
}

/** `unknown_user`: nobody has that name. `own_user`: who owns the workflow already. */
export type TransferRefusal = Refusal | 'unknown_user' | 'own_user'

/**
 * Gives a workflow to another user. The old owner, where there is one, keeps `edit`; a share that the new owner had is
 * gone. A disabled user can be given a workflow, as it keeps those that it has.
 */
export async function transferWorkflow(
  store: Store,
  caller: UserCaller,
  id: string,
  transfer: Transfer,
): Promise<Outcome<WorkflowView, TransferRefusal> | RateLimited> {
  const { dialect } = store
  const { users } = dialect.tables
  const isNewOwner = eq(users.usernameKey, transfer.usernameKey)
  const { isOpen, rows } = await store.apply({
    locks: [...workflowLocks(dialect, caller, id, 'no key update'), rowLock(dialect, 'users', 'key share', isNewOwner)],
    gate: recordTransfer(dialect, caller, id, transfer),
    effects: [
      keepForOldOwner(dialect, caller, id, transfer),
      changeOwner(dialect, id, transfer),
      dropNewOwnersShare(dialect, id, transfer),
    ],
    answer: (as) => resultQuery(dialect, as(caller), id, transfer),
    answersWhenClosed: true,
    proof: eventQuery(dialect, transfer.operation),
  })
  const [row] = rows
  const { at, lookup } = transfer
  if (isOpen) return judgeWritten(caller, row, { at, needed: 'view' }, (as, needed) => viewOf(as, row, needed))
  const view = viewOf(caller, row, 'view')
  if (!view.ok && ranksFirst.has(view.refusal)) return view
  const limited = row && rateLimitOf(lookup, row, lookup.at, { isRecorded: false })
  if (limited !== undefined) return limited
  if (!view.ok) return view
  if (!includes(view.value.permission, 'owner')) return refused('forbidden')
  if (row === undefined || row.targetId === null) return (await countAttempt(store, lookup)) ?? refused('unknown_user')
  if (row.targetId === view.value.ownerId) return refused('own_user')
  return refused('precondition_failed')
}

/** Refusals that rank before a limit. */
const ranksFirst: ReadonlySet<Refusal> = new Set(['unauthenticated', 'account_disabled'])

function newOwner({ builder, tables: { users } }: Dialect, { usernameKey }: Transfer) {
  return builder.select({ id: users.id }).from(users).where(eq(users.usernameKey, usernameKey))
}

/** The gate: whose it was and whose it will be. */
function recordTransfer(dialect: Dialect, caller: UserCaller, id: string, transfer: Transfer): Statement {
  const { workflows } = dialect.tables
  const event = callerEvent(dialect, caller, {
    id: transfer.operation,
    at: transfer.at,
    type: 'workflow.transferred',
    subject: { type: 'workflow', id },
    workflowId: id,
    ownerId: sql`${workflows.ownerId}`,
    data: {
      toUserId: textMember(dialect, sql`(${newOwner(dialect, transfer)})`),
      revision: sql`${workflows.revision} + 1`,
    },
  })
  const source = sql`${workflows} where ${mayTransfer(dialect, caller, id, transfer)}`
  return buildStatement(insertEventFrom(dialect, event, dialect.gate.holding(source)))
}

function mayTransfer(dialect: Dialect, caller: UserCaller, id: string, transfer: Transfer): SQL {
  const { users, workflows } = dialect.tables
  const otherUser = dialect.builder
    .select({ id: users.id })
    .from(users)
    .where(
      all(eq(users.usernameKey, transfer.usernameKey), any(isNull(workflows.ownerId), ne(users.id, workflows.ownerId))),
    )
  return all(
    eq(workflows.id, id),
    hasRevision(dialect, transfer.ifRevision),
    isWithinLimits(dialect, transfer.lookup, transfer.lookup.at, { isRecorded: false }),
    mayAct(dialect, caller),
    mayOnWorkflow(dialect, caller, workflows, 'owner'),
    exists(otherUser),
  )
}

/** While the workflow still says who owned it. */
function keepForOldOwner(dialect: Dialect, caller: UserCaller, id: string, transfer: Transfer): Statement {
  const { workflows, workflowShares } = dialect.tables
  const share = {
    id: transfer.shareId,
    workflowId: workflows.id,
    sharedWithUserId: workflows.ownerId,
    permission: sql`${sql.param('edit', workflowShares.permission)}`,
    createdAt: transfer.at,
    sharedBy: caller.userId,
  }
  const condition = and(eq(workflows.id, id), isNotNull(workflows.ownerId), isRecorded(dialect, transfer.operation))
  // An adopted database may hold a share of the owner's with itself.
  const ending = dialect.orUpdate(
    [workflowShares.workflowId, workflowShares.sharedWithUserId],
    [workflowShares.permission],
  )
  return buildStatement(insertFrom(dialect, workflowShares, share, sql`${workflows} where ${condition} ${ending}`))
}

function changeOwner(dialect: Dialect, id: string, transfer: Transfer): Statement {
  const { workflows } = dialect.tables
  const update = dialect.builder
    .update(workflows)
    .set({
      ownerId: sql`(${newOwner(dialect, transfer)})`,
      revision: sql`${workflows.revision} + 1`,
      lastOp: transfer.operation,
      updatedAt: transfer.at,
      transferredAt: transfer.at,
    })
    .where(and(eq(workflows.id, id), isRecorded(dialect, transfer.operation)))
  return buildStatement(update)
}

function dropNewOwnersShare(dialect: Dialect, id: string, transfer: Transfer): Statement {
  const { workflowShares } = dialect.tables
  const isNewOwners = inArray(workflowShares.sharedWithUserId, newOwner(dialect, transfer))
  const removal = dialect.builder
    .delete(workflowShares)
    .where(and(eq(workflowShares.workflowId, id), isNewOwners, isRecorded(dialect, transfer.operation)))
  return buildStatement(removal)
}

function resultQuery(dialect: Dialect, caller: UserCaller, id: string, transfer: Transfer) {
  const { workflows } = dialect.tables
  const target = newOwner(dialect, transfer).as('target')
  const select = fromWorkflow(dialect, isThisCaller(dialect, caller), {
    isWorkflow: eq(workflows.id, id),
    fields: {
      ...summaryFields(dialect),
      definition: workflows.definition,
      targetId: target.id,
      ...countFields(dialect, transfer.lookup, transfer.lookup.at),
    },
    joins: [[target, sql`1 = 1`]],
  })
  return buildQuery(select)
}
