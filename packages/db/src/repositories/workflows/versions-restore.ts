import { and, eq, sql } from 'drizzle-orm'
import {
  all,
  callerInput,
  type CallerInput,
  done,
  includes,
  isCaller,
  type Outcome,
  refused,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildStatement, defineQuery } from '../../sql/building.ts'
import { refuseLarge } from '../../sql/row-size.ts'
import type { Statement } from '../../sql/statement.ts'
import {
  storeResponse,
  type Idempotent,
  type StoredOutcome,
  type StoredResponse,
  underKey,
} from '../../store/idempotency.ts'
import { insertFrom } from '../../store/insert-where.ts'
import type { Store } from '../../store/store.ts'
import { untilSettled, type Raced } from '../../store/until-settled.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, recordEvent, type AuditEvent } from '../audit/event.ts'
import { matches, type RevisionCondition } from './revisions.ts'
import { workflowLocks } from './workflow-locks.ts'
import { summaryFields, viewOf, type WorkflowReadRow, type WorkflowView } from './workflows.ts'
import { mayAct, mayOnWorkflow } from '../../access/conditions.ts'
import { fromWorkflow } from '../../access/reads.ts'
import { joinVersion } from './versions.ts'

export interface Restoration {
  /** The version whose definition comes back. */
  readonly versionNumber: number
  readonly ifRevision: RevisionCondition
  readonly changeNotes: string | null
  /** Id of the version that it makes. */
  readonly versionId: string
  /** Names this write: the id of its audit event, which the row keeps too. */
  readonly operation: string
  readonly at: Date
}

/** An Idempotency-Key's request; the answer is the workflow as the restoration will leave it. */
export type IdempotentRestoration = Omit<Idempotent, 'answer'> & {
  readonly answerFor: (workflow: WorkflowView) => StoredResponse
}

/**
 * Makes an old version's definition the workflow's next version, also where the text is the newest one's. The answer
 * must be known before the write, as a key keeps it: so the write is bound to the revision that was read, and begins
 * anew when another change came between.
 */
export async function restoreVersion(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  restoration: Restoration,
  idempotent?: IdempotentRestoration,
): Promise<Outcome<WorkflowView> | StoredOutcome> {
  const attempt = async () => {
    const before = await readBefore(store, caller, workflowId, restoration)
    if (!before.ok) return before
    const after = afterOf(before.value, restoration)
    const storing = idempotent && { ...idempotent, answer: idempotent.answerFor(after) }
    return writeRestored(store, caller, after, restoration, storing)
  }
  return underKey(store, caller, idempotent, () => untilSettled(attempt, 'the workflow', `workflows/${workflowId}`))
}

const beforeQuery = defineQuery<{ workflowId: string; versionNumber: number } & CallerInput>()((dialect, bind) => {
  const { workflows, workflowVersions } = dialect.tables
  return fromWorkflow(dialect, isCaller(dialect, bind), {
    isWorkflow: eq(workflows.id, bind('workflowId', workflows.id)),
    fields: { ...summaryFields(dialect), definition: workflowVersions.definition },
    joins: [joinVersion(dialect, bind)],
  })
})

/** The workflow, with the old version's definition in place of its own. */
async function readBefore(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  { versionNumber, ifRevision }: Restoration,
): Promise<Outcome<WorkflowView>> {
  const [row] = await store.read(beforeQuery(store.dialect, { workflowId, versionNumber, ...callerInput(caller) }))
  return judge(caller, row, ifRevision)
}

function judge(
  caller: UserCaller,
  row: WorkflowReadRow | undefined,
  ifRevision: RevisionCondition,
): Outcome<WorkflowView> {
  const view = viewOf(caller, row, 'view')
  if (!view.ok) return view
  if (row?.definition === null) return refused('not_found')
  if (!includes(view.value.permission, 'edit')) return refused('forbidden')
  return matches(ifRevision, view.value.revision) ? view : refused('precondition_failed')
}

function afterOf(before: WorkflowView, { at }: Restoration): WorkflowView {
  return { ...before, versionNumber: before.versionNumber + 1, revision: before.revision + 1, updatedAt: at }
}

async function writeRestored(
  store: Store,
  caller: UserCaller,
  after: WorkflowView,
  restoration: Restoration,
  storing: Idempotent | undefined,
): Promise<Outcome<WorkflowView> | Raced> {
  const { dialect } = store
  const { workflows, workflowVersions } = dialect.tables
  const { isOpen } = await store.apply({
    locks: workflowLocks(dialect, caller, after.id, 'no key update'),
    gate: updateHead(dialect, caller, after, restoration),
    effects: [
      ...(storing === undefined ? [] : [storeResponse(dialect, caller, storing)]),
      insertVersion(dialect, caller, after.id, restoration),
      recordEvent(dialect, restoredEvent(dialect, caller, after, restoration)),
      ...refuseLarge(dialect, workflows, eq(workflows.id, after.id)),
      ...refuseLarge(dialect, workflowVersions, eq(workflowVersions.id, restoration.versionId)),
    ],
    proof: eventQuery(dialect, restoration.operation),
  })
  return isOpen ? done(after) : 'raced'
}

/** The gate. The definition goes from row to row: its text need not be sent. */
function updateHead(
  dialect: Dialect,
  caller: UserCaller,
  after: WorkflowView,
  { versionNumber, operation, at }: Restoration,
): Statement {
  const { builder, tables } = dialect
  const { workflows, workflowVersions } = tables
  const restored = builder
    .select({ definition: workflowVersions.definition })
    .from(workflowVersions)
    .where(and(eq(workflowVersions.workflowId, after.id), eq(workflowVersions.versionNumber, versionNumber)))
  const { versionNumber: next, revision } = after
  const update = builder
    .update(workflows)
    .set({
      versionNumber: next,
      definition: sql`(${restored})`,
      revision,
      lastOp: operation,
      updatedAt: at,
      transferredAt: sql`case when ${eq(workflows.ownerId, caller.userId)} then null else ${workflows.transferredAt} end`,
    })
    .where(
      all(
        eq(workflows.id, after.id),
        eq(workflows.revision, revision - 1),
        mayAct(dialect, caller),
        mayOnWorkflow(dialect, caller, workflows, 'edit'),
      ),
    )
  return buildStatement(update)
}

function restoredEvent(
  dialect: Dialect,
  caller: UserCaller,
  { id, ownerId, versionNumber, revision }: WorkflowView,
  restoration: Restoration,
): AuditEvent {
  return callerEvent(dialect, caller, {
    id: restoration.operation,
    at: restoration.at,
    type: 'workflow.restored',
    subject: { type: 'workflow', id },
    workflowId: id,
    ownerId,
    data: { fromVersion: restoration.versionNumber, versionNumber, revision },
  })
}

function insertVersion(
  dialect: Dialect,
  caller: UserCaller,
  workflowId: string,
  { changeNotes, versionId, at }: Restoration,
): Statement {
  const { workflows, workflowVersions } = dialect.tables
  const version = {
    id: versionId,
    workflowId: workflows.id,
    versionNumber: workflows.versionNumber,
    definition: workflows.definition,
    changeNotes,
    createdBy: caller.userId,
    createdAt: at,
  }
  const source = sql`${workflows} where ${eq(workflows.id, workflowId)}`
  return buildStatement(insertFrom(dialect, workflowVersions, version, source))
}
