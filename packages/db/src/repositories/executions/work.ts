import { and, eq, exists, gt, inArray, ne, not, sql, type SQL } from 'drizzle-orm'
import { all, any, done, isAnchor, judgeWritten, type Outcome, type UserCaller } from '../../access/access.ts'
import type { DocumentText } from '../../document/index.ts'
import { statusesBefore, type ExecutionStep } from '../../schema/execution-transitions.ts'
import type { HistoryType } from '../../schema/schema.ts'
import { encodeSignalNames } from '../../schema/signal-names.ts'
import { unpadded } from '../../schema/unpadded-text.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import { refuseLarge } from '../../sql/row-size.ts'
import type { Query, Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { executionLocks, latest, refusalOf, workerLocks, type StepRefusal } from './changes.ts'
import { mayOnExecution, type ExecutionView, executionQuery, executionOf } from './executions.ts'
import { lastSeqAfter, recordEntry } from './history.ts'
import { type CallerTerms, mayAct } from '../../access/conditions.ts'
import { existsIn } from '../../sql/exists.ts'
import { isNewest, workMark, workMarkQuery } from './work-mark.ts'

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
  const renew = (condition?: SQL): Statement =>
    buildStatement(
      dialect.builder
        .update(executions)
        .set({ leaseUntil, updatedAt: latest(executions.updatedAt, at), lastOp: workMark(dialect, operation) })
        .where(all(isWorkable(dialect, caller, id, { fence, step: 'keep' }), condition)),
    )
  const { isOpen } = await store.apply({
    locks: workerLocks(dialect, caller, id),
    gate: renew(),
    // A later heartbeat may have been told of a longer lease meanwhile.
    gateAfterLoss: renew(isNewest(dialect, at)),
    proof: workMarkQuery(dialect, id, operation),
  })
  return isOpen ? done(undefined) : workRefusal(store, caller, id, fence)
}

/** What a worker reports: state alone, or a step with what belongs to it. */
export interface Report extends Operation {
  readonly fence: number
  readonly step: Extract<ExecutionStep, 'keep' | 'giveBack' | 'pause' | 'complete' | 'fail'>
  readonly state?: DocumentText | null | undefined
  readonly error?: DocumentText | null | undefined
  /** When a paused or given back one is due again; null where it waits for resume, or is due now. */
  readonly dueAt: Date | null
  /** Signals that end a pause; one of these with a `seq` above `afterSeq` that is there already ends it at once. */
  readonly waitFor?: { readonly names: readonly string[]; readonly afterSeq: number } | undefined
  /** Undefined leaves the lease as it is. */
  readonly leaseUntil: Date | undefined
}

const entryTypes = {
  giveBack: 'released',
  pause: 'paused',
  complete: 'completed',
  fail: 'failed',
} as const satisfies Record<Exclude<Report['step'], 'keep'>, HistoryType>

/** Writes a worker's report. One that is given back with its attempts used up has failed. */
export async function reportExecution(
  store: Store,
  caller: UserCaller,
  id: string,
  report: Report,
): Promise<Outcome<ExecutionView, StepRefusal>> {
  const { dialect } = store
  const { step } = report
  const { isOpen, rows } = await store.apply({
    // A signal that is on its way is waited for: what the gate then reads of the history has it.
    locks: report.waitFor === undefined ? workerLocks(dialect, caller, id) : executionLocks(dialect, caller, id),
    gate: reportStatement(dialect, caller, id, report),
    effects: [
      ...(step === 'keep' ? [] : [reportEntry(dialect, caller, id, report, entryTypes[step])]),
      ...refuseLargeReport(dialect, id, report),
    ],
    answer: (as) => executionQuery(dialect, as(caller), id),
    ...(step === 'keep'
      ? {
          proof: workMarkQuery(dialect, id, report.operation),
          gateAfterLoss: reportStatement(dialect, caller, id, report, isNewest(dialect, report.at)),
        }
      : { proof: reportedQuery(dialect, id, report, entryTypes[step]) }),
  })
  const [row] = rows
  if (isOpen) {
    const { at } = report
    return judgeWritten(caller, row, { at, needed: 'owner' }, (as, needed) => executionOf(as, row, needed))
  }
  return workRefusal(store, caller, id, report.fence)
}

/** A state leaves that much free for the error that its execution may end with: a worker whose state is refused says so. */
const freeForError = 8000

const isGiven = (text: unknown): boolean => text !== undefined && text !== null

/** Where it leaves texts in the row, which has the input and may have others. */
function refuseLargeReport(dialect: Dialect, id: string, { state, error, waitFor }: Report): readonly Statement[] {
  if (![state, error, waitFor].some(isGiven)) return []
  const { executions } = dialect.tables
  return refuseLarge(dialect, executions, eq(executions.id, id), isGiven(state) ? freeForError : 0)
}

function reportStatement(dialect: Dialect, caller: UserCaller, id: string, report: Report, condition?: SQL): Statement {
  const { executions } = dialect.tables
  const { state, error, operation, at, step } = report
  const update = dialect.builder
    .update(executions)
    .set({
      ...(state === undefined ? {} : { state }),
      ...(error === undefined ? {} : { error }),
      ...progress(dialect, id, report),
      ...(step === 'keep' ? {} : { lastSeq: lastSeqAfter(dialect, 1) }),
      ...(step === 'keep'
        ? { updatedAt: latest(executions.updatedAt, at), lastOp: workMark(dialect, operation) }
        : { updatedAt: at, lastOp: operation }),
    })
    .where(all(isWorkable(dialect, caller, id, report), condition))
  return buildStatement(update)
}

/** What a step does to status, lease and times. Whose lease it was stays: the entry names it. */
function progress(dialect: Dialect, id: string, report: Report) {
  const { executions } = dialect.tables
  const { step, dueAt, leaseUntil, at } = report
  switch (step) {
    case 'keep':
      return leaseUntil === undefined ? {} : { leaseUntil }
    case 'pause':
      return { ...pause(dialect, id, report), leaseUntil: null }
    case 'giveBack': {
      const isUsedUp = sql`${executions.attempts} >= ${executions.maxAttempts}`
      return {
        status: sql`case when ${isUsedUp} then 'failed' else 'pending' end`,
        completedAt: sql`case when ${isUsedUp} then ${sql.param(at, executions.completedAt)} else ${executions.completedAt} end`,
        dueAt,
        leaseUntil: null,
      }
    }
    case 'complete':
      return { status: 'completed' as const, completedAt: at, leaseUntil: null }
    case 'fail':
      return { status: 'failed' as const, completedAt: at, leaseUntil: null }
  }
}

/** A signal that is there already ends the pause as it begins. */
function pause(dialect: Dialect, id: string, { dueAt, waitFor }: Report) {
  if (waitFor === undefined) return { status: 'paused' as const, dueAt, waitFor: null }
  const { executions } = dialect.tables
  const isThere = hasSignal(dialect, id, waitFor)
  return {
    status: sql`case when ${isThere} then 'pending' else 'paused' end`,
    dueAt: sql`case when ${isThere} then ${typedNull(executions.dueAt)} else ${sql.param(dueAt, executions.dueAt)} end`,
    waitFor: sql`case when ${isThere} then null else ${sql.param(encodeSignalNames(waitFor.names), executions.waitFor)} end`,
  }
}

/** PostgreSQL takes a case's type from its branches. */
function typedNull(column: Dialect['tables']['executions']['dueAt']): SQL {
  return sql`nullif(${column}, ${column})`
}

function hasSignal(
  { builder, tables: { executionHistory } }: Dialect,
  id: string,
  { names, afterSeq }: NonNullable<Report['waitFor']>,
): SQL {
  const signal = existsIn(
    { builder },
    executionHistory,
    eq(executionHistory.executionId, id),
    gt(executionHistory.seq, afterSeq),
    eq(executionHistory.type, 'signal'),
    inArray(
      executionHistory.name,
      names.map((name) => unpadded(name)),
    ),
  )
  return signal
}

function reportEntry(
  dialect: Dialect,
  caller: UserCaller,
  id: string,
  { at }: Report,
  type: (typeof entryTypes)[keyof typeof entryTypes],
): Statement {
  const { fence, leaseOwner, status } = dialect.tables.executions
  // What is given back with its attempts used up has failed.
  const said = type === 'released' ? sql`case when ${status} = 'failed' then 'failed' else 'released' end` : type
  return recordEntry(dialect, id, { type: said, at, fence, worker: leaseOwner, actor: caller.userId })
}

/**
 * Under one fence one entry ends the worker's hold. That it is another report's, of the very same moment, is told by the
 * mark, which stays until a claim raises the fence, or the sweep fails what was paused. An execution that is gone has
 * ended before, whoever ended it: what is left of the report to be told is nothing.
 */
function reportedQuery(
  dialect: Dialect,
  id: string,
  { fence, at, operation }: Report,
  type: (typeof entryTypes)[keyof typeof entryTypes],
): Query<unknown> {
  const { builder, tables } = dialect
  const { executions, executionHistory, marks } = tables
  const isSwept = all(eq(executions.status, 'failed'), eq(executionHistory.type, 'paused'))
  const entry = builder
    .select({ seq: executionHistory.seq })
    .from(executionHistory)
    .innerJoin(executions, eq(executions.id, executionHistory.executionId))
    .where(
      and(
        eq(executionHistory.executionId, id),
        inArray(executionHistory.type, type === 'released' ? ['released', 'failed'] : [type]),
        eq(executionHistory.fence, fence),
        eq(executionHistory.at, at),
        any(eq(executions.lastOp, operation), ne(executions.fence, fence), isSwept),
      ),
    )
  const isGone = not(existsIn(dialect, executions, eq(executions.id, id)))
  return buildQuery(
    builder
      .select({ name: marks.name })
      .from(marks)
      .where(all(isAnchor(dialect), any(exists(entry), isGone))),
  )
}

/** Working an execution takes its owner (or an administrator), the current fence, and a status that allows the step. */
export function isWorkable(
  dialect: Dialect,
  caller: CallerTerms,
  id: string | SQL,
  { fence, step }: { readonly fence: number | SQL; readonly step: ExecutionStep },
): SQL {
  const { executions } = dialect.tables
  return all(
    eq(executions.id, id),
    eq(executions.fence, fence),
    inArray(executions.status, statusesBefore(step)),
    mayAct(dialect, caller),
    mayOnExecution(dialect, caller, 'owner'),
  )
}

export function workRefusal(
  store: Store,
  caller: UserCaller,
  id: string,
  fence: number,
): Promise<{ readonly ok: false; readonly refusal: StepRefusal }> {
  return refusalOf(store, caller, id, 'owner', (execution) =>
    execution.fence === fence ? 'invalid_transition' : 'fence_stale',
  )
}
