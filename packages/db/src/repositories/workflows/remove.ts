import { eq, inArray, not, sql } from 'drizzle-orm'
import { all, done, refused, type Outcome, type Refusal, type UserCaller } from '../../access/access.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'
import { buildStatement, defineShapedStatement } from '../../sql/building.ts'
import { detach } from '../../sql/foreign-keys.ts'
import type { Store } from '../../store/store.ts'
import { boundEvent, eventValues, type EventShape, type EventValues } from '../audit/caller-event.ts'
import { eventQuery, insertEventFrom } from '../audit/event.ts'
import {
  boundRevisions,
  hasRevision,
  matches,
  revisionShape,
  revisionValues,
  type RevisionCondition,
  type RevisionShape,
  type RevisionValues,
} from './revisions.ts'
import { workflowLocks } from './workflow-locks.ts'
import { checkWorkflow } from './workflows.ts'
import { callerShape, callerValues, callerTerms, mayAct, mayOnWorkflow } from '../../access/conditions.ts'
import { existsIn } from '../../sql/exists.ts'

export interface Deletion {
  /** Names this write: the id of its audit event. */
  readonly operation: string
  readonly at: Date
}

/** Statuses of executions that stand in the way of a deletion. */
const activeStatuses: ExecutionStatus[] = ['pending', 'running', 'paused']

/** Deletes a workflow with all that is its own, unless one of its executions is unfinished. */
export async function deleteWorkflow(
  store: Store,
  caller: UserCaller,
  id: string,
  ifRevision: RevisionCondition,
  { operation, at }: Deletion,
): Promise<Outcome<void, Refusal | 'execution_active'>> {
  const { dialect } = store
  const { workflows } = dialect.tables
  const shape = { caller: callerShape(caller), isCommand: caller.origin === undefined, ...revisionsOf(ifRevision) }
  const { isOpen } = await store.apply({
    // No row that refers to it may come from here on, so that what follows finds them all.
    locks: workflowLocks(dialect, caller, id, 'update'),
    gate: recordDeletion(dialect, shape, {
      id,
      ...callerValues(caller),
      ...eventValues(caller, { id: operation, type: 'workflow.deleted', at }),
      ...revisionValues(ifRevision),
    }),
    effects: [
      ...detach(dialect, workflows, (reference) => eq(reference, id)),
      buildStatement(dialect.builder.delete(workflows).where(eq(workflows.id, id))),
    ],
    proof: eventQuery(dialect, operation),
  })
  if (isOpen) return done(undefined)
  const check = await checkWorkflow(store, caller, id, 'owner')
  if (!check.ok) return check
  return refused(matches(ifRevision, check.value.revision) ? 'execution_active' : 'precondition_failed')
}

interface DeletionShape extends EventShape {
  readonly revisions: RevisionShape
}

function revisionsOf(condition: RevisionCondition): Pick<DeletionShape, 'revisions'> {
  return { revisions: revisionShape(condition) }
}

/** The gate: nobody meets what goes but through the workflow's row, which it locks. */
const recordDeletion = defineShapedStatement<DeletionShape, EventValues & RevisionValues & { readonly id: string }>()((
  dialect,
  bind,
  shape,
) => {
  const { workflows, executions } = dialect.tables
  const active = existsIn(
    dialect,
    executions,
    eq(executions.workflowId, bind('id', executions.workflowId)),
    inArray(executions.status, activeStatuses),
  )
  const caller = callerTerms(dialect, bind, shape.caller)
  const condition = all(
    eq(workflows.id, bind('id', workflows.id)),
    hasRevision(dialect, boundRevisions(dialect, bind, shape.revisions)),
    mayAct(dialect, caller),
    mayOnWorkflow(dialect, caller, workflows, 'owner'),
    not(active),
  )
  const event = boundEvent(dialect, bind, shape, {
    subject: { type: 'workflow', id: sql`${workflows.id}` },
    workflowId: sql`${workflows.id}`,
    ownerId: sql`${workflows.ownerId}`,
    data: { versionNumber: sql`${workflows.versionNumber}`, revision: sql`${workflows.revision}` },
  })
  return insertEventFrom(dialect, event, dialect.gate.holding(sql`${workflows} where ${condition}`))
})
