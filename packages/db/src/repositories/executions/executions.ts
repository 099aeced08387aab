import { and, eq, exists, sql, type SQL } from 'drizzle-orm'
import {
  callerInput,
  type CallerInput,
  type CallerTerms,
  done,
  includes,
  isAnchor,
  isCaller,
  isShareOfCaller,
  mayOnWorkflow,
  type Outcome,
  type Permission,
  permissionFields,
  permissionOf,
  type PermissionRow,
  refused,
  standingFields,
  standingOf,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { ExecutionRow } from '../../schema/rows.ts'
import { defineQuery, type Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'

/** An execution as its callers see it. */
export type ExecutionView = Pick<
  ExecutionRow,
  | 'id'
  | 'workflowId'
  | 'versionNumber'
  | 'userId'
  | 'scheduleId'
  | 'status'
  | 'input'
  | 'state'
  | 'error'
  | 'attempts'
  | 'maxAttempts'
  | 'fence'
  | 'leaseUntil'
  | 'dueAt'
  | 'waitFor'
  | 'createdAt'
  | 'startedAt'
  | 'completedAt'
  | 'updatedAt'
> & { readonly workflowName: string }

export type ExecutionSummary = Omit<ExecutionView, 'input' | 'state'>

export function summaryFields({ tables: { executions, workflows } }: Dialect) {
  return {
    id: executions.id,
    workflowId: executions.workflowId,
    workflowName: workflows.name,
    versionNumber: executions.versionNumber,
    userId: executions.userId,
    scheduleId: executions.scheduleId,
    status: executions.status,
    error: executions.error,
    attempts: executions.attempts,
    maxAttempts: executions.maxAttempts,
    fence: executions.fence,
    leaseUntil: executions.leaseUntil,
    dueAt: executions.dueAt,
    waitFor: executions.waitFor,
    createdAt: executions.createdAt,
    startedAt: executions.startedAt,
    completedAt: executions.completedAt,
    updatedAt: executions.updatedAt,
  }
}

export function viewFields(dialect: Dialect) {
  const { executions } = dialect.tables
  return { ...summaryFields(dialect), input: executions.input, state: executions.state }
}

/** A view's columns as a left join gives them: all null where there is no row. */
type Nullable<View> = { readonly [Name in keyof View]: View[Name] | null }

/** One execution, with all that decides whether its caller may see it. */
export type ExecutionReadRow = StandingRow &
  PermissionRow &
  Nullable<ExecutionView> & { readonly lastOp: string | null; readonly transferredAt: Date | null }

const readQuery = defineQuery<CallerInput & { id: string }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, users, executions, workflows, workflowShares } = tables
  return builder
    .select({
      ...standingFields(dialect),
      ...viewFields(dialect),
      lastOp: executions.lastOp,
      transferredAt: workflows.transferredAt,
      ...permissionFields(dialect),
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(executions, eq(executions.id, bind('id', executions.id)))
    .leftJoin(workflows, eq(workflows.id, executions.workflowId))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .where(isAnchor(dialect))
})

/** Reads one execution as the caller sees it. */
export function executionQuery(dialect: Dialect, caller: UserCaller, id: string): Query<ExecutionReadRow> {
  return readQuery(dialect, { id, ...callerInput(caller) })
}

/** Gives a row when the operation is the last that changed the execution. */
export const appliedQuery = defineQuery<{ id: string; operation: string }>()(
  ({ builder, tables: { executions } }, bind) =>
    builder
      .select({ id: executions.id })
      .from(executions)
      .where(
        and(eq(executions.id, bind('id', executions.id)), eq(executions.lastOp, bind('operation', executions.lastOp))),
      ),
)

/** One execution. Whoever started it may see it, whatever became of the workflow's share since. */
export async function getExecution(store: Store, caller: UserCaller, id: string): Promise<Outcome<ExecutionView>> {
  const [row] = await store.read(executionQuery(store.dialect, caller, id))
  return executionOf(caller, row, 'view')
}

/** Whether the caller may do something to an execution: for refusals that rank before what the request lacks. */
export async function checkExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  needed: Permission,
): Promise<Outcome<void>> {
  const [row] = await store.read(executionQuery(store.dialect, caller, id))
  const execution = executionOf(caller, row, needed)
  return execution.ok ? done(undefined) : execution
}

/** Standing, then whether the execution may be seen, then whether the permission on its workflow suffices. */
export function executionOf(
  caller: UserCaller,
  row: ExecutionReadRow | undefined,
  needed: Permission,
): Outcome<ExecutionView> {
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  if (row === undefined || !isWhole(row)) return refused('not_found')
  // That a workflow is public opens nothing of its executions.
  const permission = permissionOf(caller, standing.value, { ...row, isPublic: false })
  if (permission === undefined && row.userId !== caller.userId) return refused('not_found')
  if (!includes(permission ?? 'view', needed)) return refused('forbidden')
  return done(viewOf(row))
}

/** A left join gives all of a row or nothing of it. */
function isWhole<Row extends { readonly id: string | null }>(row: Row): row is Row & ExecutionView {
  return row.id !== null
}

export function isWholeSummary<Row extends { readonly id: string | null }>(row: Row): row is Row & ExecutionSummary {
  return row.id !== null
}

export function viewOf(row: ExecutionView): ExecutionView {
  return { ...summaryOf(row), input: row.input, state: row.state }
}

export function summaryOf(row: ExecutionSummary): ExecutionSummary {
  return {
    id: row.id,
    workflowId: row.workflowId,
    workflowName: row.workflowName,
    versionNumber: row.versionNumber,
    userId: row.userId,
    scheduleId: row.scheduleId,
    status: row.status,
    error: row.error,
    attempts: row.attempts,
    maxAttempts: row.maxAttempts,
    fence: row.fence,
    leaseUntil: row.leaseUntil,
    dueAt: row.dueAt,
    waitFor: row.waitFor,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    completedAt: row.completedAt,
    updatedAt: row.updatedAt,
  }
}

/** The condition in a write to an execution that the caller's permission on its workflow includes the one needed. */
export function mayOnExecution(dialect: Dialect, caller: CallerTerms, needed: Permission): SQL {
  const { builder, tables } = dialect
  const { executions, workflows } = tables
  return exists(
    builder
      .select({ one: sql`1` })
      .from(workflows)
      .where(and(eq(workflows.id, executions.workflowId), mayOnWorkflow(dialect, caller, workflows, needed))),
  )
}
