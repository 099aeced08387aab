import { done, refused, type Outcome, type UserCaller } from '../../access/access.ts'
import { callerLocks } from '../../access/caller-locks.ts'
import type { DocumentText } from '../../document/index.ts'
import { nameKey } from '../../schema/names.ts'
import type { WorkflowRow, WorkflowVersionRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildStatement, defineShapedStatement, defineStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import { storeResponse, underKey, type Idempotent, type StoredOutcome } from '../../store/idempotency.ts'
import { insertAllWhere, insertRow, insertWhere, places } from '../../store/insert-where.ts'
import type { Store } from '../../store/store.ts'
import { checkStanding } from '../accounts/standing.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, recordEvents, type AuditEvent } from '../audit/event.ts'
import {
  callerShape,
  callerValues,
  mayAct,
  type CallerShape,
  type CallerValues,
  callerTerms,
} from '../../access/conditions.ts'

export interface NewWorkflow {
  readonly id: string
  /** Of its version 1, and of the event that tells of it. */
  readonly versionId: string
  readonly name: string
  readonly description: string | null
  readonly definition: DocumentText
  readonly isPublic: boolean
  readonly createdAt: Date
}

type NewWorkflows = readonly [NewWorkflow, ...NewWorkflow[]]

/** Makes workflows, each its version 1 and owned by the caller: all or none, in one atomic batch. */
export async function createWorkflows(
  store: Store,
  caller: UserCaller,
  workflows: NewWorkflows,
  idempotent?: Idempotent,
): Promise<Outcome<void> | StoredOutcome> {
  const { dialect } = store
  const storing = idempotent === undefined ? [] : [storeResponse(dialect, caller, idempotent)]
  const events = workflows.map((workflow) => createdEvent(dialect, caller, workflow))
  return underKey(store, caller, idempotent, async () => {
    const { isOpen } = await store.apply({
      locks: callerLocks(dialect, caller),
      gate: insertHeads(dialect, caller, workflows),
      effects: [...storing, insertVersions(dialect, caller, workflows), recordEvents(dialect, events)],
      // The batch is atomic: one of its rows tells of all.
      proof: eventQuery(dialect, workflows[0].versionId),
    })
    return isOpen ? done(undefined) : checkCallerRefusal(store, caller)
  })
}

/** One statement, however many there are: each is a round trip on MySQL. */
function insertHeads(dialect: Dialect, caller: UserCaller, [first, ...others]: NewWorkflows): Statement {
  const head = headOf(caller, first)
  if (others.length === 0) return insertHead(dialect, callerShape(caller), { ...head, ...callerValues(caller) })
  const heads = [head, ...others.map((workflow) => headOf(caller, workflow))] as const
  return buildStatement(insertAllWhere(dialect, dialect.tables.workflows, heads, mayAct(dialect, caller)))
}

const insertHead = defineShapedStatement<CallerShape, WorkflowRow & CallerValues>()((dialect, bind, shape) => {
  const { workflows } = dialect.tables
  const allowed = mayAct(dialect, callerTerms(dialect, bind, shape))
  return insertWhere(dialect, workflows, places(workflows, bind), allowed)
})

function insertVersions(dialect: Dialect, caller: UserCaller, [first, ...others]: NewWorkflows): Statement {
  const version = firstVersionOf(caller, first)
  if (others.length === 0) return insertVersion(dialect, version)
  const versions = [version, ...others.map((workflow) => firstVersionOf(caller, workflow))]
  return buildStatement(dialect.builder.insert(dialect.tables.workflowVersions).values(versions))
}

const insertVersion = defineStatement<WorkflowVersionRow>()((dialect, bind) => {
  const { workflowVersions } = dialect.tables
  return insertRow(dialect, workflowVersions, places(workflowVersions, bind))
})

function headOf({ userId }: UserCaller, workflow: NewWorkflow): WorkflowRow {
  return {
    id: workflow.id,
    name: workflow.name,
    description: workflow.description,
    definition: workflow.definition,
    ownerId: userId,
    isPublic: workflow.isPublic,
    versionNumber: 1,
    revision: 1,
    lastOp: workflow.versionId,
    nameKey: nameKey(workflow.name),
    createdAt: workflow.createdAt,
    updatedAt: workflow.createdAt,
    transferredAt: null,
  }
}

function firstVersionOf({ userId }: UserCaller, workflow: NewWorkflow): WorkflowVersionRow {
  return {
    id: workflow.versionId,
    workflowId: workflow.id,
    versionNumber: 1,
    definition: workflow.definition,
    changeNotes: null,
    createdBy: userId,
    createdAt: workflow.createdAt,
  }
}

function createdEvent(dialect: Dialect, caller: UserCaller, workflow: NewWorkflow): AuditEvent {
  return callerEvent(dialect, caller, {
    id: workflow.versionId,
    at: workflow.createdAt,
    type: 'workflow.created',
    subject: { type: 'workflow', id: workflow.id },
    workflowId: workflow.id,
    ownerId: caller.userId,
    data: { versionNumber: 1, isPublic: workflow.isPublic },
  })
}

/** A write that affected nothing for want of standing: one read more tells which. */
async function checkCallerRefusal(store: Store, caller: UserCaller): Promise<Outcome<never>> {
  const standing = await checkStanding(store, caller)
  return standing.ok ? refused('unauthenticated') : standing
}
