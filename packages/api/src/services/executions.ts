import type { DocumentText } from '@millrace/db/document'
import * as executions from '@millrace/db/repositories/executions/executions'
import type { ExecutionSummary, ExecutionView } from '@millrace/db/repositories/executions/executions'
import * as creation from '@millrace/db/repositories/executions/create'
import { listExecutions as listRows } from '@millrace/db/repositories/executions/list'
import * as control from '@millrace/db/repositories/executions/control'
import * as work from '@millrace/db/repositories/executions/work'
import type { ExecutionStatus } from '@millrace/db/schema/schema'
import type { CursorScope } from '../cursor.ts'
import { newId } from '../ids.ts'
import { done, type Result } from '../result.ts'
import type { UserContext } from './context.ts'
import { type Idempotent, type OrReplay } from './idempotency.ts'
import { pageOf, readKeyset, startOf, type Page, type PageQuery } from './paging.ts'
import { checkCaller, onceClaimed, permissionToRead } from './standing.ts'

const defaultMaxAttempts = 3
const defaultLeaseSeconds = 60

export interface NewExecution {
  readonly workflowId: string
  readonly input?: DocumentText | undefined
  readonly dueAt?: Date | null | undefined
  readonly maxAttempts?: number | undefined
}

/** Starts an execution of a workflow as it is now: it is pending until a worker claims it. */
export function createExecution(
  { store, caller, clock }: UserContext,
  { workflowId, input, dueAt, maxAttempts }: NewExecution,
  key: Idempotent<ExecutionView> | undefined,
): Promise<OrReplay<ExecutionView>> {
  const at = clock()
  const execution = {
    id: newId(at),
    input: nullIfNull(input) ?? null,
    dueAt: dueAt ?? null,
    maxAttempts: maxAttempts ?? defaultMaxAttempts,
    createdAt: at,
  }
  const idempotent = key && { ...key, at }
  return creation.createExecution(store, caller, workflowId, execution, idempotent)
}

/** Starts a new execution like one that has ended. */
export function retryExecution(
  { store, caller, clock }: UserContext,
  id: string,
  key: Idempotent<ExecutionView> | undefined,
): Promise<OrReplay<ExecutionView>> {
  const at = clock()
  const idempotent = key && { ...key, at }
  return creation.retryExecution(store, caller, id, { id: newId(at), createdAt: at }, idempotent)
}

export async function getExecution({ store, caller, scopes }: UserContext, id: string): Promise<Result<ExecutionView>> {
  return onceClaimed(scopes, await executions.getExecution(store, caller, id, permissionToRead(scopes)))
}

export interface ExecutionsQuery extends PageQuery {
  readonly status: readonly ExecutionStatus[]
  readonly workflowId?: string | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
}

/** A page of the executions that the caller may see, newest first. */
export async function listExecutions(
  context: UserContext,
  query: ExecutionsQuery,
): Promise<Result<Page<ExecutionSummary>>> {
  const { store, caller } = context
  const { workflowId, since, until, limit } = query
  const statuses = [...new Set(query.status)].toSorted()
  const filters = {
    status: statuses.length === 0 ? undefined : statuses.join(),
    workflowId,
    since: since?.toISOString(),
    until: until?.toISOString(),
  }
  const cursors: CursorScope = { list: 'executions', filters, userId: caller.userId }
  const start = await startOf(cursors, query.cursor, readKeyset, () => checkCaller(context))
  if (!start.ok) return start
  const listing = { statuses, workflowId, since, until, limit, after: start.value }
  const outcome = await listRows(store, caller, listing)
  if (!outcome.ok) return outcome
  return done(pageOf(cursors, outcome.value, limit, ({ createdAt, id }) => [createdAt.getTime(), id]))
}

/** Ends an unfinished execution. */
export function cancelExecution(context: UserContext, id: string): Promise<Result<ExecutionView>> {
  const { store, caller, clock } = context
  return control.cancelExecution(store, caller, id, operationAt(clock()))
}

/** Removes an execution that has ended. */
export function removeExecution({ store, caller, clock }: UserContext, id: string): Promise<Result<void>> {
  return control.removeExecution(store, caller, id, operationAt(clock()))
}

/** Makes a paused execution due now. */
export function resumeExecution(context: UserContext, id: string): Promise<Result<ExecutionView>> {
  const { store, caller, clock } = context
  return control.resumeExecution(store, caller, id, operationAt(clock()))
}

export interface Heartbeat {
  readonly fence: number
  readonly leaseSeconds?: number | undefined
}

/** Renews a worker's lease, from now on. */
export async function renewLease(
  { store, caller, clock }: UserContext,
  id: string,
  { fence, leaseSeconds = defaultLeaseSeconds }: Heartbeat,
): Promise<Result<{ readonly leaseUntil: Date }>> {
  const at = clock()
  const leaseUntil = leaseEnd(at, leaseSeconds)
  const outcome = await work.renewLease(store, caller, id, { fence, leaseUntil, ...operationAt(at) })
  return outcome.ok ? done({ leaseUntil }) : outcome
}

export interface WorkerReport {
  readonly fence: number
  readonly state?: DocumentText | undefined
  readonly status?: 'pending' | 'paused' | 'completed' | 'failed' | undefined
  readonly error?: DocumentText | undefined
  readonly dueAt?: Date | null | undefined
  readonly waitFor?: readonly string[] | undefined
  readonly afterSeq?: number | undefined
  readonly leaseSeconds?: number | undefined
}

const steps = { pending: 'giveBack', paused: 'pause', completed: 'complete', failed: 'fail' } as const

/** Writes what a worker reports of its execution. */
export function reportExecution(
  { store, caller, clock }: UserContext,
  id: string,
  { fence, state, status, error, dueAt, waitFor, afterSeq = 0, leaseSeconds }: WorkerReport,
): Promise<Result<ExecutionView>> {
  const at = clock()
  const report: work.Report = {
    fence,
    step: status === undefined ? 'keep' : steps[status],
    state: nullIfNull(state),
    error: nullIfNull(error),
    dueAt: dueAt ?? null,
    waitFor: waitFor && { names: waitFor, afterSeq },
    leaseUntil: leaseSeconds === undefined ? undefined : leaseEnd(at, leaseSeconds),
    ...operationAt(at),
  }
  return work.reportExecution(store, caller, id, report)
}

function operationAt(at: Date) {
  return { operation: newId(at), at }
}

function leaseEnd(at: Date, leaseSeconds: number): Date {
  return new Date(at.getTime() + leaseSeconds * 1000)
}

/** A document that is `null` is none. */
function nullIfNull(document: DocumentText | undefined): DocumentText | null | undefined {
  return document === 'null' ? null : document
}
