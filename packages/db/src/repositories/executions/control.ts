import { and, eq, inArray, sql } from 'drizzle-orm'
import { actorOf, done, judgeWritten, type Outcome, type UserCaller } from '../../access/access.ts'
import { statusesBefore, type ExecutionStep } from '../../schema/execution-transitions.ts'
import type { AuditType } from '../../schema/audit-types.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { eventQuery, ownerOfExecution, recordEvent, workflowOf, type DataMember } from '../audit/event.ts'
import { executionLocks, refusalOf, type StepRefusal } from './changes.ts'
import { mayOnExecution, type ExecutionView, executionQuery, executionOf } from './executions.ts'
import { lastSeqAfter, recordEntry } from './history.ts'
import { mayAct } from '../../access/conditions.ts'

/** A write of a user to an execution; its event has the operation's id. */
export interface Control {
  readonly operation: string
  readonly at: Date
}

/** Ends an unfinished execution at once; the fence moves, so that a late worker can write nothing more. */
export function cancelExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  control: Control,
): Promise<Outcome<ExecutionView, StepRefusal>> {
  const { executions } = store.dialect.tables
  return takeStep(store, caller, id, control, {
    step: 'cancel',
    type: 'cancelled',
    event: 'execution.cancelled',
    change: {
      status: 'cancelled',
      fence: sql`${executions.fence} + 1`,
      leaseUntil: null,
      leaseOwner: null,
      completedAt: control.at,
      waitFor: null,
    },
  })
}

/** Makes a paused execution pending, due now. */
export function resumeExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  control: Control,
): Promise<Outcome<ExecutionView, StepRefusal>> {
  return takeStep(store, caller, id, control, {
    step: 'resume',
    type: 'resumed',
    event: 'execution.resumed',
    change: { status: 'pending', dueAt: null, waitFor: null },
  })
}

type ExecutionUpdate = Parameters<ReturnType<Dialect['builder']['update']>['set']>[0]

interface Step {
  readonly step: Extract<ExecutionStep, 'cancel' | 'resume'>
  readonly type: 'cancelled' | 'resumed'
  readonly event: AuditType
  readonly change: ExecutionUpdate
}

async function takeStep(
  store: Store,
  caller: UserCaller,
  id: string,
  control: Control,
  { step, type, event, change }: Step,
): Promise<Outcome<ExecutionView, StepRefusal>> {
  const { dialect } = store
  const { operation, at } = control
  const { executions } = dialect.tables
  const update = dialect.builder
    .update(executions)
    .set({ ...change, lastSeq: lastSeqAfter(dialect, 1), updatedAt: at })
    .where(
      and(
        eq(executions.id, id),
        inArray(executions.status, statusesBefore(step)),
        mayAct(dialect, caller),
        mayOnExecution(dialect, caller, 'execute'),
      ),
    )
  const { isOpen, rows } = await store.apply({
    locks: executionLocks(dialect, caller, id),
    gate: buildStatement(update),
    effects: [
      recordEntry(dialect, id, { type, at, actor: caller.userId }),
      executionEvent(dialect, caller, id, control, { type: event }),
    ],
    answer: (as) => executionQuery(dialect, as(caller), id),
    proof: eventQuery(dialect, operation),
  })
  const [row] = rows
  if (isOpen) {
    return judgeWritten(caller, row, { at, needed: 'execute' }, (as, needed) => executionOf(as, row, needed))
  }
  return refusalOf(store, caller, id, 'execute', () => 'invalid_transition' as const)
}

/** The event of a write to an execution that is there, with the operation as its id. */
export function executionEvent(
  dialect: Dialect,
  caller: UserCaller,
  id: string,
  { operation, at }: Control,
  { type, data }: { readonly type: AuditType; readonly data?: Readonly<Record<string, DataMember>> },
): Statement {
  return recordEvent(dialect, {
    id: operation,
    at,
    type,
    actor: actorOf(dialect, caller),
    subject: { type: 'execution', id },
    workflowId: workflowOf(dialect, id),
    ownerId: ownerOfExecution(dialect, id),
    ...(data === undefined ? {} : { data }),
    origin: { requestId: caller.origin?.requestId ?? null, network: caller.origin?.network ?? null },
  })
}

/** Removes an execution that has ended, with its history. */
export async function removeExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  control: Control,
): Promise<Outcome<void, StepRefusal | 'execution_active'>> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { executions, executionHistory } = tables
  const mark = builder
    .update(executions)
    // What no other write can have left: MySQL counts the rows that change, and the row may be of this very moment.
    .set({ lastOp: control.operation })
    .where(
      and(
        eq(executions.id, id),
        inArray(executions.status, ['completed', 'failed', 'cancelled']),
        mayAct(dialect, caller),
        mayOnExecution(dialect, caller, 'owner'),
      ),
    )
  const { isOpen } = await store.apply({
    locks: executionLocks(dialect, caller, id),
    gate: buildStatement(mark),
    effects: [
      executionEvent(dialect, caller, id, control, { type: 'execution.deleted' }),
      buildStatement(builder.delete(executionHistory).where(eq(executionHistory.executionId, id))),
      buildStatement(builder.delete(executions).where(eq(executions.id, id))),
    ],
    proof: eventQuery(dialect, control.operation),
  })
  if (isOpen) return done(undefined)
  return refusalOf(store, caller, id, 'owner', () => 'execution_active' as const)
}
