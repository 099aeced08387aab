import { eq, type SQL } from 'drizzle-orm'
import {
  callerInput,
  type CallerInput,
  done,
  isCaller,
  type Outcome,
  type Permission,
  permissionOf,
  type PermissionRow,
  standingOf,
  type StandingRow,
  type UserCaller,
  absentFor,
  permissionFor,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { ExecutionRow } from '../../schema/rows.ts'
import { defineQuery } from '../../sql/building.ts'
import type { Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { type CallerTerms, mayOnWorkflow } from '../../access/conditions.ts'
import { fromWorkflow } from '../../access/reads.ts'
import { pick } from '../../sql/pick.ts'
import { existsIn } from '../../sql/exists.ts'
import { isJoined } from '../../sql/joined.ts'

const summaryMembers = [
  'id',
  'workflowId',
  'versionNumber',
  'userId',
  'scheduleId',
  'status',
  'error',
  'attempts',
  'maxAttempts',
  'fence',
  'leaseUntil',
  'dueAt',
  'waitFor',
  'createdAt',
  'startedAt',
  'completedAt',
  'updatedAt',
] as const satisfies readonly (keyof ExecutionRow)[]

export type ExecutionSummary = Pick<ExecutionRow, (typeof summaryMembers)[number]> & { readonly workflowName: string }

/** An execution as its callers see it. */
export type ExecutionView = ExecutionSummary & Pick<ExecutionRow, 'input' | 'state'>

export function summaryFields({ tables: { executions, workflows } }: Dialect) {
  return { ...pick(executions, summaryMembers), workflowName: workflows.name }
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
  Nullable<ExecutionView> & { readonly transferredAt: Date | null }

const readQuery = defineQuery<CallerInput & { id: string }>()((dialect, bind) => {
  const { executions, workflows } = dialect.tables
  return fromWorkflow(dialect, isCaller(dialect, bind), {
    through: [[executions, eq(executions.id, bind('id', executions.id))]],
    isWorkflow: eq(workflows.id, executions.workflowId),
    fields: { ...viewFields(dialect), transferredAt: workflows.transferredAt },
  })
})

/** Reads one execution as the caller sees it. */
export function executionQuery(dialect: Dialect, caller: UserCaller, id: string): Query<ExecutionReadRow> {
  return readQuery(dialect, { id, ...callerInput(caller) })
}

/** One execution. Whoever started it may see it, whatever became of the workflow's share since. */
export async function getExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  needed: Permission = 'view',
): Promise<Outcome<ExecutionView>> {
  const [row] = await store.read(executionQuery(store.dialect, caller, id))
  return executionOf(caller, row, needed)
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
  if (!isWhole(row)) return absentFor(caller)
  // That a workflow is public opens nothing of its executions.
  const permission = permissionOf(caller, standing.value, { ...row, isPublic: false })
  const isStarter = row.userId === caller.userId
  const permitted = permissionFor(caller, permission ?? (isStarter ? 'view' : undefined), needed)
  return permitted.ok ? done(viewOf(row)) : permitted
}

/** A left join gives all of a row or nothing of it. */
const isWhole = isJoined<ExecutionView>('id')

export function viewOf(row: ExecutionView): ExecutionView {
  return { ...summaryOf(row), input: row.input, state: row.state }
}

export function summaryOf(row: ExecutionSummary): ExecutionSummary {
  return { ...pick(row, summaryMembers), workflowName: row.workflowName }
}

/** The condition in a write to an execution that the caller's permission on its workflow includes the one needed. */
export function mayOnExecution(dialect: Dialect, caller: CallerTerms, needed: Permission): SQL {
  const { executions, workflows } = dialect.tables
  return existsIn(
    dialect,
    workflows,
    eq(workflows.id, executions.workflowId),
    mayOnWorkflow(dialect, caller, workflows, needed),
  )
}
