import { eq, sql, type Column, type SQL } from 'drizzle-orm'
import { type Outcome, type Refusal, type UserCaller } from '../../access/access.ts'
import { callerLocks } from '../../access/caller-locks.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { RowLock } from '../../sql/lock-order.ts'
import { defineRowLock, type LockStrength } from '../../sql/row-lock.ts'
import { executionOf, executionQuery, type ExecutionView } from './executions.ts'
import type { Store } from '../../store/store.ts'

/** Why a write to an execution was not done: a stale fence ranks before what the status forbids. */
export type StepRefusal = Refusal | 'fence_stale' | 'invalid_transition'

/** What a user's write to an execution reads: the caller, the workflow that gives the permission, the execution itself. */
export function executionLocks(dialect: Dialect, caller: UserCaller, id: string): readonly RowLock[] {
  return [...workerLocks(dialect, caller, id), lockExecution(dialect, id)]
}

/**
 * What gives a worker's write its permission. The execution itself is locked by the gate, which reads that row again
 * after it has waited for it, but nothing else.
 */
export function workerLocks(dialect: Dialect, caller: UserCaller, id: string): readonly RowLock[] {
  return [...callerLocks(dialect, caller), lockWorkflow(dialect, id)]
}

const lockWorkflowWith = {
  share: lockWorkflowFor('share'),
  'no key update': lockWorkflowFor('no key update'),
}

function lockWorkflowFor(strength: LockStrength) {
  return defineRowLock<{ executionId: string }>(
    'workflows',
    strength,
  )(({ builder, tables: { executions, workflows } }, bind) => {
    const workflowId = builder
      .select({ id: executions.workflowId })
      .from(executions)
      .where(eq(executions.id, bind('executionId', executions.id)))
    return eq(workflows.id, sql`(${workflowId})`)
  })
}

/** The workflow's row stands for its owner and its shares. */
export function lockWorkflow(
  dialect: Dialect,
  executionId: string,
  strength: keyof typeof lockWorkflowWith = 'share',
): RowLock {
  return lockWorkflowWith[strength](dialect, { executionId })
}

const lockExecutionRow = defineRowLock<{ id: string }>(
  'executions',
  'no key update',
)(({ tables: { executions } }, bind) => eq(executions.id, bind('id', executions.id)))

export function lockExecution(dialect: Dialect, id: string): RowLock {
  return lockExecutionRow(dialect, { id })
}

/** The later one of a moment and of what a column has: of writers whose clocks differ the last one may have the earlier. */
export function latest(column: Column, at: Date): SQL {
  const moment = sql.param(at, column)
  return sql`case when ${column} > ${moment} then ${column} else ${moment} end`
}

/** Why a gate was closed: who may not, and else what the execution's own state forbids. */
export async function refusalOf<Reason extends string>(
  store: Store,
  caller: UserCaller,
  id: string,
  needed: 'execute' | 'owner',
  ofState: (execution: ExecutionView) => Reason,
): Promise<{ readonly ok: false; readonly refusal: Refusal | Reason }> {
  const [row] = await store.read(executionQuery(store.dialect, caller, id))
  const execution: Outcome<ExecutionView> = executionOf(caller, row, needed)
  if (!execution.ok) return execution
  return { ok: false, refusal: ofState(execution.value) }
}
