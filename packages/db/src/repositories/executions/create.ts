import { and, eq, exists, inArray, sql, type SQL } from 'drizzle-orm'
import {
  all,
  callerInput,
  type CallerInput,
  done,
  isAnchor,
  isCaller,
  isShareOfCaller,
  mayAct,
  mayOnWorkflow,
  type Outcome,
  permissionFields,
  type Refusal,
  refused,
  standingFields,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DocumentText } from '../../document/index.ts'
import { DatabaseError, databaseError } from '../../sql/errors.ts'
import { statusAfter, statusesBefore } from '../../schema/execution-transitions.ts'
import { buildStatement, defineQuery, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { executionOf, executionQuery, mayOnExecution, viewOf, writeAndRead, type ExecutionView } from './executions.ts'
import { findKept, takeKey, withKey, type Idempotent, type Kept, type StoredAnswer } from '../../store/idempotency.ts'
import { insertFrom } from '../../store/insert-where.ts'
import { accessOf } from '../workflows/workflows.ts'

export interface NewExecution {
  readonly id: string
  readonly input: DocumentText | null
  readonly dueAt: Date | null
  readonly maxAttempts: number
  readonly createdAt: Date
}

/** A request that carries an Idempotency-Key: its answer follows from the execution that it makes. */
export type IdempotentCreation = Omit<Idempotent, 'answer'> & {
  readonly answerFor: (execution: ExecutionView) => StoredAnswer
}

/** Makes a pending execution, bound to the version of that moment. */
export async function createExecution(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  execution: NewExecution,
  idempotent?: IdempotentCreation,
): Promise<Outcome<ExecutionView> | Kept> {
  if (idempotent !== undefined) return createUnderKey(store, caller, workflowId, execution, idempotent)
  const { dialect } = store
  return untilSettled(async () => {
    const written = await undefinedWhereGone(() =>
      writeAndRead(store, {
        write: insertExecution(dialect, caller, workflowId, execution),
        answer: executionQuery(dialect, caller, execution.id),
        applied: existsQuery(dialect, { id: execution.id }),
      }),
    )
    if (written?.isDone === true) return executionOf(caller, written.rows[0], 'view')
    const workflow = await findWorkflowHead(store, caller, workflowId)
    return workflow.ok ? undefined : workflow
  })
}

/**
 * The key's answer is kept in the batch that makes the execution, so what it says of the workflow is read before, and
 * the batch holds only while that is still so.
 */
async function createUnderKey(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  execution: NewExecution,
  idempotent: IdempotentCreation,
): Promise<Outcome<ExecutionView> | Kept> {
  const { dialect } = store
  return untilSettled(async () => {
    const workflow = await findWorkflowHead(store, caller, workflowId)
    if (!workflow.ok) return keptOr(store, caller, idempotent, workflow)
    const { workflows } = dialect.tables
    const made = pendingView(caller, workflowId, execution, workflow.value)
    const isSame = all(
      eq(workflows.versionNumber, workflow.value.versionNumber),
      eq(workflows.name, workflow.value.workflowName),
    )
    const insert = insertExecution(dialect, caller, workflowId, execution, isSame)
    return writeUnderKey(store, caller, { insert, made, idempotent })
  })
}

/** Makes a new pending execution with the input and version of one that has ended. */
export async function retryExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  retry: { readonly id: string; readonly createdAt: Date },
  idempotent?: IdempotentCreation,
): Promise<Outcome<ExecutionView, Refusal | 'invalid_transition'> | Kept> {
  const { dialect } = store
  if (idempotent !== undefined) return retryUnderKey(store, caller, id, retry, idempotent)
  const { isDone, rows } = await writeAndRead(store, {
    write: insertRetry(dialect, caller, id, retry),
    answer: executionQuery(dialect, caller, retry.id),
    applied: existsQuery(dialect, { id: retry.id }),
  })
  if (isDone) return executionOf(caller, rows[0], 'view')
  const [row] = await store.read(executionQuery(dialect, caller, id))
  const old = executionOf(caller, row, 'execute')
  return old.ok ? refused('invalid_transition') : old
}

async function retryUnderKey(
  store: Store,
  caller: UserCaller,
  id: string,
  retry: { readonly id: string; readonly createdAt: Date },
  idempotent: IdempotentCreation,
): Promise<Outcome<ExecutionView, Refusal | 'invalid_transition'> | Kept> {
  const { dialect } = store
  return untilSettled(async () => {
    const [row] = await store.read(executionQuery(dialect, caller, id))
    const old = executionOf(caller, row, 'execute')
    if (!old.ok) return keptOr(store, caller, idempotent, old)
    if (statusAfter(old.value.status, 'retry') === undefined) {
      return keptOr(store, caller, idempotent, refused('invalid_transition'))
    }
    const { workflowId, workflowName, versionNumber, input, maxAttempts } = old.value
    const execution = { ...retry, input, maxAttempts, dueAt: null }
    const made = pendingView(caller, workflowId, execution, { workflowName, versionNumber })
    const insert = insertRetry(dialect, caller, id, retry, eq(dialect.tables.workflows.name, workflowName))
    return writeUnderKey(store, caller, { insert, made, idempotent })
  })
}

/** What the key says ranks before that the thing is not there any more. */
async function keptOr<Refused extends { readonly ok: false }>(
  store: Store,
  caller: UserCaller,
  request: Omit<Idempotent, 'answer'>,
  refusal: Refused,
): Promise<Kept | Refused> {
  return (await findKept(store, caller.userId, request)) ?? refusal
}

/** What an attempt reads can change before it writes: then it is made again. */
async function untilSettled<Result>(attempt: () => Promise<Result | undefined>): Promise<Result> {
  for (let tried = 1; tried <= 5; tried += 1) {
    const settled = await attempt()
    if (settled !== undefined) return settled
  }
  throw databaseError('database_busy', 'the workflow changed each time between being read and written', {
    isNotApplied: true,
  })
}

/** Undefined when the workflow is no longer as it was read, or what it was read for no longer holds. */
async function writeUnderKey(
  store: Store,
  caller: UserCaller,
  {
    insert,
    made,
    idempotent: { answerFor, ...request },
  }: { readonly insert: Statement; readonly made: ExecutionView; readonly idempotent: IdempotentCreation },
): Promise<Outcome<ExecutionView> | Kept | undefined> {
  const { dialect } = store
  const idempotent = { ...request, answer: answerFor(made) }
  return withKey(store, caller, idempotent, () =>
    undefinedWhereGone(async () => {
      const { affected } = await store.write({
        // The key after the execution: where the execution is not made, the key is not taken.
        writes: [insert, takeKey(dialect, caller, idempotent)],
        applied: existsQuery(dialect, { id: made.id }),
      })
      return affected[0] === 0 ? undefined : { ok: true, value: made }
    }),
  )
}

const existsQuery = defineQuery<{ id: string }>()(({ builder, tables: { executions } }, bind) =>
  builder
    .select({ id: executions.id })
    .from(executions)
    .where(eq(executions.id, bind('id', executions.id))),
)

function insertExecution(
  dialect: Dialect,
  caller: UserCaller,
  workflowId: string,
  execution: NewExecution,
  isSame?: SQL,
): Statement {
  const { executions, workflows } = dialect.tables
  const condition = all(
    eq(workflows.id, workflowId),
    mayAct(dialect, caller),
    mayOnWorkflow(dialect, caller, workflows, 'execute'),
    isSame,
  )
  const { id, input, dueAt, maxAttempts, createdAt } = execution
  const row = { ...pendingRow(caller, id, createdAt), workflowId, versionNumber: workflows.versionNumber }
  const values = { ...row, input, dueAt, maxAttempts }
  return buildStatement(insertFrom(dialect, executions, values, sql`${workflows} where ${condition}`), { isGate: true })
}

function insertRetry(
  dialect: Dialect,
  caller: UserCaller,
  id: string,
  retry: { readonly id: string; readonly createdAt: Date },
  isWorkflowSame?: SQL,
): Statement {
  const { builder, tables } = dialect
  const { executions, workflows } = tables
  const same = builder
    .select({ one: sql`1` })
    .from(workflows)
    .where(and(eq(workflows.id, executions.workflowId), isWorkflowSame))
  const condition = all(
    eq(executions.id, id),
    inArray(executions.status, statusesBefore('retry')),
    mayAct(dialect, caller),
    mayOnExecution(dialect, caller, 'execute'),
    isWorkflowSame === undefined ? undefined : exists(same),
  )
  const { workflowId, versionNumber, input, maxAttempts } = executions
  const row = { ...pendingRow(caller, retry.id, retry.createdAt), workflowId, versionNumber, input, maxAttempts }
  const values = { ...row, dueAt: null }
  return buildStatement(insertFrom(dialect, executions, values, sql`${executions} where ${condition}`), {
    isGate: true,
  })
}

function pendingRow(caller: UserCaller, id: string, createdAt: Date) {
  return {
    id,
    userId: caller.userId,
    status: 'pending' as const,
    state: null,
    startedAt: null,
    completedAt: null,
    error: null,
    attempts: 0,
    fence: 0,
    leaseOwner: null,
    leaseUntil: null,
    createdAt,
    updatedAt: createdAt,
    lastOp: null,
    waitFor: null,
    scheduleId: null,
    lastSeq: 0,
  }
}

function pendingView(
  caller: UserCaller,
  workflowId: string,
  { id, input, dueAt, maxAttempts, createdAt }: NewExecution,
  workflow: Pick<ExecutionView, 'workflowName' | 'versionNumber'>,
): ExecutionView {
  return viewOf({ ...pendingRow(caller, id, createdAt), ...workflow, workflowId, input, dueAt, maxAttempts })
}

const workflowHeadQuery = defineQuery<CallerInput & { id: string }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, users, workflows, workflowShares } = tables
  return builder
    .select({
      ...standingFields(dialect),
      id: workflows.id,
      workflowName: workflows.name,
      versionNumber: workflows.versionNumber,
      ...permissionFields(dialect),
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(workflows, eq(workflows.id, bind('id', workflows.id)))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .where(isAnchor(dialect))
})

/** What an execution takes from its workflow, for those who may start one. */
async function findWorkflowHead(
  store: Store,
  caller: UserCaller,
  id: string,
): Promise<Outcome<Pick<ExecutionView, 'workflowName' | 'versionNumber'>>> {
  const [row] = await store.read(workflowHeadQuery(store.dialect, { id, ...callerInput(caller) }))
  const access = accessOf(caller, row, 'execute')
  if (!access.ok) return access
  const { workflowName = null, versionNumber = null } = row ?? {}
  return workflowName === null || versionNumber === null ? refused('not_found') : done({ workflowName, versionNumber })
}

/** A workflow that is deleted at the same moment shows as a foreign key that leads nowhere. */
async function undefinedWhereGone<Result>(write: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await write()
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.fault === 'foreign_key_violation') return undefined
    throw thrown
  }
}
