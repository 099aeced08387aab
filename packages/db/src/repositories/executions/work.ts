import { and, eq, inArray, sql, type SQL } from 'drizzle-orm'
import { done, mayAct, refused, type Outcome, type Refusal, type UserCaller } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DocumentText } from '../../document/index.ts'
import { statusesBefore, type ExecutionStep } from '../../schema/execution-transitions.ts'
import { buildStatement, type Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import {
  appliedQuery,
  executionOf,
  executionQuery,
  mayOnExecution,
  writeAndRead,
  type ExecutionReadRow,
  type ExecutionView,
} from './executions.ts'

/** Why a step was not taken: a stale fence ranks before a step that the status forbids. */
export type StepRefusal = Refusal | 'fence_stale' | 'invalid_transition'

/** A write that names itself: the row keeps the operation, so that it can be told whether it happened. */
interface Operation {
  readonly operation: string
  readonly at: Date
}

export interface Heartbeat extends Operation {
  readonly fence: number
  readonly leaseUntil: Date
}

/** Renews a worker's lease. */
export async function renewLease(
  store: Store,
  caller: UserCaller,
  id: string,
  { fence, leaseUntil, operation, at }: Heartbeat,
): Promise<Outcome<void, StepRefusal>> {
  const { dialect } = store
  const { executions } = dialect.tables
  const update = dialect.builder
    .update(executions)
    .set({ leaseUntil, updatedAt: at, lastOp: operation })
    .where(isWorkable(dialect, caller, id, { fence, step: 'keep' }))
  const { affected } = await store.write({
    writes: [buildStatement(update)],
    applied: appliedQuery(dialect, { id, operation }),
  })
  if (affected[0] === 1) return done(undefined)
  const [row] = await store.read(executionQuery(dialect, caller, id))
  return refusalOf(caller, row, { fence, step: 'keep' })
}

/** What a worker reports: state alone, or a step with what belongs to it. */
export interface Report extends Operation {
  readonly fence: number
  readonly step: Extract<ExecutionStep, 'keep' | 'giveBack' | 'pause' | 'complete' | 'fail'>
  readonly state?: DocumentText | null | undefined
  readonly error?: DocumentText | null | undefined
  /** When a paused or given back one is due again; null where it waits for resume, or is due now. */
  readonly dueAt: Date | null
  /** Undefined leaves the lease as it is. */
  readonly leaseUntil: Date | undefined
}

/** Writes a worker's report. One that is given back with its attempts used up has failed. */
export async function reportExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  report: Report,
): Promise<Outcome<ExecutionView, StepRefusal>> {
  const { dialect } = store
  const { isDone, rows } = await writeAndRead(store, {
    write: reportStatement(dialect, caller, id, report),
    answer: executionQuery(dialect, caller, id),
    applied: appliedQuery(dialect, { id, operation: report.operation }),
  })
  return isDone ? executionOf(caller, rows[0], 'view') : refusalOf(caller, rows[0], report)
}

function reportStatement(dialect: Dialect, caller: UserCaller, id: string, report: Report): Statement {
  const { executions } = dialect.tables
  const { state, error, operation, at } = report
  const update = dialect.builder
    .update(executions)
    .set({
      ...(state === undefined ? {} : { state }),
      ...(error === undefined ? {} : { error }),
      ...progress(dialect, report),
      updatedAt: at,
      lastOp: operation,
    })
    .where(isWorkable(dialect, caller, id, report))
  return buildStatement(update)
}

/** What a step does to status, lease and times. */
function progress(dialect: Dialect, { step, dueAt, leaseUntil, at }: Report) {
  const { executions } = dialect.tables
  const withoutLease = { leaseUntil: null, leaseOwner: null }
  switch (step) {
    case 'keep':
      return leaseUntil === undefined ? {} : { leaseUntil }
    case 'pause':
      return { status: 'paused' as const, dueAt, ...withoutLease }
    case 'giveBack': {
      const isUsedUp = sql`${executions.attempts} >= ${executions.maxAttempts}`
      return {
        status: sql`case when ${isUsedUp} then 'failed' else 'pending' end`,
        completedAt: sql`case when ${isUsedUp} then ${sql.param(at, executions.completedAt)} else ${executions.completedAt} end`,
        dueAt,
        ...withoutLease,
      }
    }
    case 'complete':
      return { status: 'completed' as const, completedAt: at, ...withoutLease }
    case 'fail':
      return { status: 'failed' as const, completedAt: at, ...withoutLease }
  }
}

interface Hold {
  readonly fence: number
  readonly step: ExecutionStep
}

/** Working an execution takes its owner (or an administrator), the current fence, and a status that allows the step. */
function isWorkable(dialect: Dialect, caller: UserCaller, id: string, { fence, step }: Hold): SQL | undefined {
  const { executions } = dialect.tables
  return and(
    eq(executions.id, id),
    eq(executions.fence, fence),
    inArray(executions.status, statusesBefore(step)),
    mayAct(dialect, caller),
    mayOnExecution(dialect, caller, 'owner'),
  )
}

function refusalOf(
  caller: UserCaller,
  row: ExecutionReadRow | undefined,
  { fence }: Hold,
): { readonly ok: false; readonly refusal: StepRefusal } {
  const execution = executionOf(caller, row, 'owner')
  if (!execution.ok) return execution
  return refused(execution.value.fence === fence ? 'invalid_transition' : 'fence_stale')
}

/** Ends an unfinished execution at once; the fence moves, so that a late worker can write nothing more. */
export function cancelExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  { operation, at }: Operation,
): Promise<Outcome<ExecutionView, StepRefusal>> {
  const { executions } = store.dialect.tables
  return takeStep(store, caller, id, 'cancel', operation, {
    status: 'cancelled',
    fence: sql`${executions.fence} + 1`,
    leaseUntil: null,
    leaseOwner: null,
    completedAt: at,
    updatedAt: at,
  })
}

/** Makes a paused execution pending, due now. */
export function resumeExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  { operation, at }: Operation,
): Promise<Outcome<ExecutionView, StepRefusal>> {
  return takeStep(store, caller, id, 'resume', operation, { status: 'pending', dueAt: null, updatedAt: at })
}

type ExecutionUpdate = Parameters<ReturnType<Dialect['builder']['update']>['set']>[0]

async function takeStep(
  store: Store,
  caller: UserCaller,
  id: string,
  step: 'cancel' | 'resume',
  operation: string,
  change: ExecutionUpdate,
): Promise<Outcome<ExecutionView, StepRefusal>> {
  const { dialect } = store
  const { executions } = dialect.tables
  const update = dialect.builder
    .update(executions)
    .set({ ...change, lastOp: operation })
    .where(
      and(
        eq(executions.id, id),
        inArray(executions.status, statusesBefore(step)),
        mayAct(dialect, caller),
        mayOnExecution(dialect, caller, 'execute'),
      ),
    )
  const { isDone, rows } = await writeAndRead(store, {
    write: buildStatement(update),
    answer: executionQuery(dialect, caller, id),
    applied: appliedQuery(dialect, { id, operation }),
  })
  if (isDone) return executionOf(caller, rows[0], 'view')
  const execution = executionOf(caller, rows[0], 'execute')
  return execution.ok ? refused('invalid_transition') : execution
}
