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
import { callerLocks } from '../../access/caller-locks.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DocumentText } from '../../document/index.ts'
import { DatabaseError, databaseError } from '../../sql/errors.ts'
import { statusAfter, statusesBefore } from '../../schema/execution-transitions.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildStatement, defineQuery, type Statement } from '../../sql/statement.ts'
import type { GuardedWrite } from '../../store/guarded-write.ts'
import type { Store } from '../../store/store.ts'
import { lockWorkflow, refusalOf, writtenOutcome } from './changes.ts'
import { executionEvent } from './control.ts'
import { executionOf, executionQuery, mayOnExecution, viewOf, type ExecutionView } from './executions.ts'
import { recordEntry } from './history.ts'
import {
  findKept,
  keepAnswer,
  withKey,
  type Idempotent,
  type Kept,
  type StoredAnswer,
} from '../../store/idempotency.ts'
import { insertFrom } from '../../store/insert-where.ts'
import { accessOf } from '../workflows/workflows.ts'

export interface NewExecution {
  readonly id: string
  readonly input: DocumentText | null
  readonly dueAt: Date | null
  readonly maxAttempts: number
  readonly createdAt: Date
}

export type Retry = Pick<NewExecution, 'id' | 'createdAt'>

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
    const made = await undefinedWhereGone(() =>
      store.apply({
        ...startOf(dialect, caller, { workflowId, execution }),
        answer: executionQuery(dialect, caller, execution.id),
      }),
    )
    if (made?.isOpen === true) return acceptedBy(store, caller, writtenOutcome(made.rows), made.rows[0])
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
    const start = startOf(dialect, caller, { workflowId, execution, isSame })
    const outcome = await writeUnderKey(store, caller, { start, made, idempotent })
    return outcome?.ok === true ? acceptedBy(store, caller, outcome, { workflowId, ...workflow.value }) : outcome
  })
}

/** A creation's batch but for its answer and its key. */
type Start = Pick<GuardedWrite, 'locks' | 'gate' | 'proof'> & { readonly effects: readonly Statement[] }

function startOf(
  dialect: Dialect,
  caller: UserCaller,
  {
    workflowId,
    execution,
    isSame,
  }: { readonly workflowId: string; readonly execution: NewExecution; readonly isSame?: SQL },
): Start {
  const { workflows } = dialect.tables
  const { id, createdAt } = execution
  const started = { type: 'execution.started' } as const
  return {
    // Shared: neither deletion nor the end of the share that gives the permission comes in between.
    locks: [...callerLocks(dialect, caller), rowLock(dialect, 'workflows', 'share', eq(workflows.id, workflowId))],
    gate: insertExecution(dialect, caller, workflowId, execution, isSame),
    effects: [
      recordEntry(dialect, id, { type: 'created', at: createdAt, actor: caller.userId }),
      executionEvent(dialect, caller, id, { operation: id, at: createdAt }, started),
    ],
    proof: existsQuery(dialect, { id }),
  }
}

/** Makes a new pending execution with the input and version of one that has ended. */
export async function retryExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  retry: Retry,
  idempotent?: IdempotentCreation,
): Promise<Outcome<ExecutionView, Refusal | 'invalid_transition'> | Kept> {
  const { dialect } = store
  if (idempotent !== undefined) return retryUnderKey(store, caller, id, retry, idempotent)
  const { isOpen, rows } = await store.apply({
    ...retryOf(dialect, caller, { id, retry }),
    answer: executionQuery(dialect, caller, retry.id),
  })
  if (isOpen) return acceptedBy(store, caller, writtenOutcome(rows), rows[0])
  return refusalOf(store, caller, id, 'execute', () => 'invalid_transition' as const)
}

async function retryUnderKey(
  store: Store,
  caller: UserCaller,
  id: string,
  retry: Retry,
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
    const isWorkflowSame = eq(dialect.tables.workflows.name, workflowName)
    const start = retryOf(dialect, caller, { id, retry, isWorkflowSame })
    const outcome = await writeUnderKey(store, caller, { start, made, idempotent })
    return outcome?.ok === true ? acceptedBy(store, caller, outcome, row) : outcome
  })
}

function retryOf(
  dialect: Dialect,
  caller: UserCaller,
  { id, retry, isWorkflowSame }: { readonly id: string; readonly retry: Retry; readonly isWorkflowSame?: SQL },
): Start {
  const { createdAt } = retry
  const retried = { type: 'execution.retried', data: { retryOf: id } } as const
  return {
    locks: [...callerLocks(dialect, caller), lockWorkflow(dialect, id)],
    gate: insertRetry(dialect, caller, id, retry, isWorkflowSame),
    effects: [
      recordEntry(dialect, retry.id, { type: 'created', at: createdAt, actor: caller.userId }),
      executionEvent(dialect, caller, retry.id, { operation: retry.id, at: createdAt }, retried),
    ],
    proof: existsQuery(dialect, { id: retry.id }),
  }
}

interface TransferredWorkflow {
  readonly workflowId: string | null
  readonly ownerId: string | null
  readonly transferredAt: Date | null
}

/**
 * Where the owner of a workflow that came by transfer starts it, plain claims reach it from now on. A write of its own,
 * for that rare case: in every start's batch it would cost every start a round trip on MySQL.
 */
async function acceptedBy<Made>(
  store: Store,
  caller: UserCaller,
  made: Made,
  workflow: TransferredWorkflow | undefined,
): Promise<Made> {
  const { workflowId = null, ownerId = null, transferredAt = null } = workflow ?? {}
  if (workflowId === null || transferredAt === null || ownerId !== caller.userId) return made
  const { builder, tables } = store.dialect
  const { workflows } = tables
  const accept = builder
    .update(workflows)
    .set({ transferredAt: null })
    .where(
      and(eq(workflows.id, workflowId), eq(workflows.ownerId, ownerId), eq(workflows.transferredAt, transferredAt)),
    )
  await store.write({ writes: [buildStatement(accept)] })
  return made
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
    start,
    made,
    idempotent: { answerFor, ...request },
  }: { readonly start: Start; readonly made: ExecutionView; readonly idempotent: IdempotentCreation },
): Promise<Outcome<ExecutionView> | Kept | undefined> {
  const { dialect } = store
  const idempotent = { ...request, answer: answerFor(made) }
  return withKey(store, caller, idempotent, () =>
    undefinedWhereGone(async () => {
      const effects = [...start.effects, keepAnswer(dialect, caller, idempotent)]
      const { isOpen } = await store.apply({ ...start, effects })
      return isOpen ? { ok: true, value: made } : undefined
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
  return buildStatement(insertFrom(dialect, executions, values, sql`${workflows} where ${condition}`))
}

function insertRetry(dialect: Dialect, caller: UserCaller, id: string, retry: Retry, isWorkflowSame?: SQL): Statement {
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
  return buildStatement(insertFrom(dialect, executions, values, sql`${executions} where ${condition}`))
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
    lastSeq: 1,
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
      transferredAt: workflows.transferredAt,
      ...permissionFields(dialect),
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(workflows, eq(workflows.id, bind('id', workflows.id)))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .where(isAnchor(dialect))
})

interface WorkflowHead {
  readonly workflowName: string
  readonly versionNumber: number
  readonly ownerId: string | null
  readonly transferredAt: Date | null
}

/** What an execution takes from its workflow, for those who may start one. */
async function findWorkflowHead(store: Store, caller: UserCaller, id: string): Promise<Outcome<WorkflowHead>> {
  const [row] = await store.read(workflowHeadQuery(store.dialect, { id, ...callerInput(caller) }))
  const access = accessOf(caller, row, 'execute')
  if (!access.ok) return access
  const { workflowName = null, versionNumber = null, ownerId = null, transferredAt = null } = row ?? {}
  if (workflowName === null || versionNumber === null) return refused('not_found')
  return done({ workflowName, versionNumber, ownerId, transferredAt })
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
