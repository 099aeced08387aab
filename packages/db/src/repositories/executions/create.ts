import { eq, inArray, sql, type SQL, isNull, ne } from 'drizzle-orm'
import {
  all,
  any,
  callerInput,
  type CallerInput,
  done,
  isCaller,
  type Outcome,
  type Refusal,
  refused,
  type UserCaller,
} from '../../access/access.ts'
import { callerLocks } from '../../access/caller-locks.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DocumentText } from '../../document/index.ts'
import { DatabaseError } from '../../sql/errors.ts'
import { statusAfter, statusesBefore } from '../../schema/execution-transitions.ts'
import type { RowLock } from '../../sql/lock-order.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildStatement, defineQuery } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import type { GuardedWrite } from '../../store/guarded-write.ts'
import type { Store } from '../../store/store.ts'
import { lockWorkflow } from './changes.ts'
import { executionEvent } from './control.ts'
import {
  executionOf,
  executionQuery,
  mayOnExecution,
  viewOf,
  type ExecutionView,
  type ExecutionReadRow,
} from './executions.ts'
import { recordEntry } from './history.ts'
import {
  storeResponse,
  type Idempotent,
  type StoredOutcome,
  type StoredResponse,
  underKey,
} from '../../store/idempotency.ts'
import { insertFrom } from '../../store/insert-where.ts'
import { accessOf } from '../workflows/workflows.ts'
import { mayAct, mayOnWorkflow } from '../../access/conditions.ts'
import type { AuditType } from '../../schema/audit-types.ts'
import { eventQuery, type DataMember } from '../audit/event.ts'
import { type Raced, untilSettled } from '../../store/until-settled.ts'
import { takeOver } from '../workflows/take-over.ts'
import { fromWorkflow } from '../../access/reads.ts'
import { existsIn } from '../../sql/exists.ts'

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
  readonly answerFor: (execution: ExecutionView) => StoredResponse
}

/** Makes a pending execution, bound to the version of that moment. */
export function createExecution(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  execution: NewExecution,
  idempotent?: IdempotentCreation,
): Promise<Outcome<ExecutionView> | StoredOutcome> {
  const making: Making<Refusal> = {
    id: execution.id,
    at: execution.createdAt,
    lock: (dialect, strength) => rowLock(dialect, 'workflows', strength, eq(dialect.tables.workflows.id, workflowId)),
    insert: (dialect, condition) => insertExecution(dialect, caller, workflowId, execution, condition),
    event: { type: 'execution.started' },
    isAsRead: ({ tables: { workflows } }, { versionNumber, workflowName }) =>
      all(eq(workflows.versionNumber, versionNumber), eq(workflows.name, workflowName)),
    read: async () => {
      const head = await findWorkflowHead(store, caller, workflowId)
      return head.ok ? done({ ...execution, ...head.value, workflowId }) : head
    },
  }
  return makeExecution(store, caller, making, idempotent)
}

/** Makes a new pending execution with the input and version of one that has ended. */
export function retryExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  retry: Retry,
  idempotent?: IdempotentCreation,
): Promise<Outcome<ExecutionView, Refusal | 'invalid_transition'> | StoredOutcome> {
  const making: Making<Refusal | 'invalid_transition'> = {
    id: retry.id,
    at: retry.createdAt,
    lock: (dialect, strength) => lockWorkflow(dialect, id, strength),
    insert: (dialect, condition) => insertRetry(dialect, caller, id, retry, condition),
    event: { type: 'execution.retried', data: { retryOf: id } },
    isAsRead: ({ tables: { workflows } }, { workflowName }) => eq(workflows.name, workflowName),
    read: () => findEnded(store, caller, id),
  }
  return makeExecution(store, caller, making, idempotent)
}

/** What an execution is made of, as it was read. */
interface Source extends WorkflowHead {
  readonly workflowId: string
  readonly input: DocumentText | null
  readonly maxAttempts: number
  readonly dueAt: Date | null
}

interface Making<Reason extends string> {
  /** Of the execution, and of its event. */
  readonly id: string
  readonly at: Date
  readonly lock: (dialect: Dialect, strength: 'share' | 'no key update') => RowLock
  /** The gate. @param condition Asked of the row of its workflow. */
  readonly insert: (dialect: Dialect, condition: SQL) => Statement
  /** Asked of that row where the answer was foreseen. */
  readonly isAsRead: (dialect: Dialect, source: Source) => SQL
  readonly event: { readonly type: AuditType; readonly data?: Readonly<Record<string, DataMember>> }
  readonly read: () => Promise<Outcome<Source, Reason>>
}

/**
 * One batch, sent at once where no response is to be stored, and else when it is known what the answer will say. What was read
 * may have changed until then, and then is read again.
 */
function makeExecution<Reason extends string>(
  store: Store,
  caller: UserCaller,
  making: Making<Reason>,
  idempotent: IdempotentCreation | undefined,
): Promise<Outcome<ExecutionView, Refusal | Reason> | StoredOutcome> {
  let source: Source | undefined
  const read = async () => {
    const found = await making.read()
    source = found.ok ? found.value : undefined
    return found
  }
  const attempt = async (): Promise<Outcome<ExecutionView, Refusal | Reason> | Raced> => {
    if (idempotent !== undefined && source === undefined) {
      const found = await read()
      if (!found.ok) return found
    }
    const written = await writeExecution(store, caller, making, source, idempotent)
    if (written !== undefined) return written
    const found = await read()
    return found.ok ? 'raced' : found
  }
  return underKey(store, caller, idempotent, () => untilSettled(attempt, 'the workflow'))
}

/** Undefined where the gate was closed. */
async function writeExecution<Reason extends string>(
  store: Store,
  caller: UserCaller,
  making: Making<Reason>,
  source: Source | undefined,
  idempotent: IdempotentCreation | undefined,
): Promise<Outcome<ExecutionView> | undefined> {
  const { dialect } = store
  const foreseen = idempotent && source && pendingView(caller, making, source)
  const storing = idempotent && foreseen && { ...idempotent, answer: idempotent.answerFor(foreseen) }
  const start = startOf(dialect, caller, making, { source, isBound: foreseen !== undefined })
  try {
    const { isOpen, rows, readAs } = await store.apply<ExecutionReadRow>({
      ...start,
      effects: [...start.effects, ...(storing === undefined ? [] : [storeResponse(dialect, caller, storing)])],
      ...(foreseen === undefined ? { answer: (as) => executionQuery(dialect, as(caller), making.id) } : {}),
    })
    if (!isOpen) return undefined
    return foreseen === undefined ? executionOf(readAs(caller), rows[0], 'view') : done(foreseen)
  } catch (thrown) {
    // A workflow that is deleted at the same moment shows as a foreign key that leads nowhere.
    if (thrown instanceof DatabaseError && thrown.fault === 'foreign_key_violation') return undefined
    throw thrown
  }
}

/** A creation's batch but for its answer and its key. */
type Start = Pick<GuardedWrite, 'locks' | 'gate' | 'proof'> & { readonly effects: readonly Statement[] }

/** Where the owner of a workflow that came by transfer starts it, plain claims reach it from now on. */
function startOf(
  dialect: Dialect,
  caller: UserCaller,
  { id, at, lock, insert, isAsRead, event }: Omit<Making<string>, 'read'>,
  { source, isBound }: { readonly source: Source | undefined; readonly isBound: boolean },
): Start {
  const { workflows } = dialect.tables
  const takesOver = source !== undefined && source.transferredAt !== null && source.ownerId === caller.userId
  // In every start's batch the takeover would cost a round trip on MySQL: so those that need it find the gate closed first.
  const needsNoTakeover = any(
    isNull(workflows.transferredAt),
    isNull(workflows.ownerId),
    ne(workflows.ownerId, caller.userId),
  )
  return {
    // Shared: neither deletion nor the end of the share that gives the permission comes in between.
    locks: [...callerLocks(dialect, caller), lock(dialect, takesOver ? 'no key update' : 'share')],
    gate: insert(
      dialect,
      all(
        takesOver ? sql`1 = 1` : needsNoTakeover,
        isBound && source !== undefined ? isAsRead(dialect, source) : undefined,
      ),
    ),
    effects: [
      ...(takesOver ? [takeOver(dialect, caller, source.workflowId)] : []),
      recordEntry(dialect, id, { type: 'created', at, actor: caller.userId }),
      executionEvent(dialect, caller, id, { operation: id, at }, event),
    ],
    // Not its row: that may be deleted already.
    proof: eventQuery(dialect, id),
  }
}

function insertExecution(
  dialect: Dialect,
  caller: UserCaller,
  workflowId: string,
  execution: NewExecution,
  isSame: SQL,
): Statement {
  const { executions, workflows } = dialect.tables
  const condition = all(
    eq(workflows.id, workflowId),
    mayAct(dialect, caller),
    mayOnWorkflow(dialect, caller, workflows, 'execute'),
    isSame,
  )
  const { id, input, dueAt, maxAttempts, createdAt } = execution
  const row = { ...pendingRow(id, caller.userId, createdAt), workflowId, versionNumber: workflows.versionNumber }
  const values = { ...row, input, dueAt, maxAttempts }
  return buildStatement(insertFrom(dialect, executions, values, sql`${workflows} where ${condition}`))
}

function insertRetry(dialect: Dialect, caller: UserCaller, id: string, retry: Retry, isSame: SQL): Statement {
  const { executions, workflows } = dialect.tables
  const same = existsIn(dialect, workflows, eq(workflows.id, executions.workflowId), isSame)
  const condition = all(
    eq(executions.id, id),
    inArray(executions.status, statusesBefore('retry')),
    mayAct(dialect, caller),
    mayOnExecution(dialect, caller, 'execute'),
    same,
  )
  const { workflowId, versionNumber, input, maxAttempts } = executions
  const row = { ...pendingRow(retry.id, caller.userId, retry.createdAt), workflowId, versionNumber, input, maxAttempts }
  const values = { ...row, dueAt: null }
  return buildStatement(insertFrom(dialect, executions, values, sql`${executions} where ${condition}`))
}

/** What every new execution has, whoever starts it. */
export function pendingRow(id: string, userId: string | null, createdAt: Date) {
  return {
    id,
    userId,
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

/** The execution as the write will leave it. */
function pendingView(
  caller: UserCaller,
  { id, at }: Pick<Making<string>, 'id' | 'at'>,
  { workflowId, workflowName, versionNumber, input, dueAt, maxAttempts }: Source,
): ExecutionView {
  const source = { workflowId, workflowName, versionNumber, input, dueAt, maxAttempts }
  return viewOf({ ...pendingRow(id, caller.userId, at), ...source })
}

const workflowHeadQuery = defineQuery<CallerInput & { id: string }>()((dialect, bind) => {
  const { workflows } = dialect.tables
  return fromWorkflow(dialect, isCaller(dialect, bind), {
    isWorkflow: eq(workflows.id, bind('id', workflows.id)),
    fields: {
      id: workflows.id,
      workflowName: workflows.name,
      versionNumber: workflows.versionNumber,
      transferredAt: workflows.transferredAt,
    },
  })
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

/** What a retry takes from the execution that it is of. */
async function findEnded(
  store: Store,
  caller: UserCaller,
  id: string,
): Promise<Outcome<Source, Refusal | 'invalid_transition'>> {
  const [row] = await store.read(executionQuery(store.dialect, caller, id))
  const old = executionOf(caller, row, 'execute')
  if (!old.ok) return old
  if (statusAfter(old.value.status, 'retry') === undefined) return refused('invalid_transition')
  const { workflowId, workflowName, versionNumber, input, maxAttempts } = old.value
  const { ownerId = null, transferredAt = null } = row ?? {}
  return done({ workflowId, workflowName, versionNumber, input, maxAttempts, dueAt: null, ownerId, transferredAt })
}
