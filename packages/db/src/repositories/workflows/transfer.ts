import {
  all,
  any,
  includes,
  isAnchor,
  isShareOfCaller,
  isThisCaller,
  mayAct,
  mayOnWorkflow,
  type Outcome,
  type Refusal,
  refused,
  standingFields,
  type UserCaller,
} from '../../access/access.ts'
import { and, eq, exists, isNotNull, isNull, ne, sql, type SQL } from 'drizzle-orm'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, buildStatement, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { insertFrom } from '../../store/insert-where.ts'
import {
  appliedQuery,
  hasRevision,
  summaryFields,
  viewOf,
  type RevisionCondition,
  type WorkflowView,
} from './workflows.ts'

export interface Transfer {
  /** Key of the new owner's username. */
  readonly usernameKey: string
  readonly ifRevision: RevisionCondition
  /** Id of the share that the old owner keeps. */
  readonly shareId: string
  /** Names this write, in `last_op`. */
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
): Promise<Outcome<WorkflowView, TransferRefusal>> {
  const { dialect } = store
  const { rows } = await store.write({
    writes: [
      keepForOldOwner(dialect, caller, id, transfer),
      changeOwner(dialect, caller, id, transfer),
      dropNewOwnersShare(dialect, id, transfer),
    ],
    answer: resultQuery(dialect, caller, id, transfer),
    applied: appliedQuery(dialect, { id, operation: transfer.operation }),
  })
  const [row] = rows
  const view = viewOf(caller, row, 'view')
  if (!view.ok || row?.lastOp === transfer.operation) return view
  if (!includes(view.value.permission, 'owner')) return refused('forbidden')
  if (row === undefined || row.targetId === null) return refused('unknown_user')
  if (row.targetId === view.value.ownerId) return refused('own_user')
  return refused('precondition_failed')
}

function newOwner({ builder, tables: { users } }: Dialect, { usernameKey }: Transfer) {
  return builder.select({ id: users.id }).from(users).where(eq(users.usernameKey, usernameKey))
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
    mayAct(dialect, caller),
    mayOnWorkflow(dialect, caller, workflows, 'owner'),
    exists(otherUser),
  )
}

/**
 * First, while the workflow still says who owned it. It locks the workflow, so that the owner changes under the same
 * conditions or, where they have become false, neither happens.
 */
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
  const condition = all(isNotNull(workflows.ownerId), mayTransfer(dialect, caller, id, transfer))
  const source = dialect.locking(sql`${workflows} where ${condition}`)
  // An adopted database may hold a share of the owner's with itself.
  const ending = dialect.orUpdate(
    [workflowShares.workflowId, workflowShares.sharedWithUserId],
    [workflowShares.permission],
  )
  return buildStatement(insertFrom(dialect, workflowShares, share, sql`${source} ${ending}`))
}

function changeOwner(dialect: Dialect, caller: UserCaller, id: string, transfer: Transfer): Statement {
  const { workflows } = dialect.tables
  const update = dialect.builder
    .update(workflows)
    .set({
      ownerId: sql`(${newOwner(dialect, transfer)})`,
      revision: sql`${workflows.revision} + 1`,
      lastOp: transfer.operation,
      updatedAt: transfer.at,
    })
    .where(mayTransfer(dialect, caller, id, transfer))
  return buildStatement(update, { isGate: true })
}

function dropNewOwnersShare(dialect: Dialect, id: string, transfer: Transfer): Statement {
  const { builder, tables } = dialect
  const { workflows, workflowShares } = tables
  const transferred = builder
    .select({ one: sql`1` })
    .from(workflows)
    .where(
      and(
        eq(workflows.id, id),
        eq(workflows.lastOp, transfer.operation),
        eq(workflows.ownerId, workflowShares.sharedWithUserId),
      ),
    )
  return buildStatement(
    builder.delete(workflowShares).where(and(eq(workflowShares.workflowId, id), exists(transferred))),
  )
}

function resultQuery(dialect: Dialect, caller: UserCaller, id: string, transfer: Transfer) {
  const { builder, tables } = dialect
  const { marks, users, workflows, workflowShares } = tables
  const target = newOwner(dialect, transfer).as('target')
  const select = builder
    .select({
      ...standingFields(dialect),
      ...summaryFields(dialect),
      definition: workflows.definition,
      lastOp: workflows.lastOp,
      sharePermission: workflowShares.permission,
      targetId: target.id,
    })
    .from(marks)
    .leftJoin(users, isThisCaller(dialect, caller))
    .leftJoin(workflows, eq(workflows.id, id))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .leftJoin(target, sql`1 = 1`)
    .where(isAnchor(dialect))
  return buildQuery(select)
}
