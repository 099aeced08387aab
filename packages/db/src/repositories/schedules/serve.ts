import { and, asc, eq, inArray, isNull, lte, not, sql, type SQL, isNotNull, exists } from 'drizzle-orm'
import { all } from '../../access/access.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { RowLock } from '../../sql/lock-order.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Query, Statement } from '../../sql/statement.ts'
import { insertFrom } from '../../store/insert-where.ts'
import type { Store } from '../../store/store.ts'
import { eventQuery, ownerOf, recordEvent, type AuditEvent } from '../audit/event.ts'
import { viewFields, type ScheduleView } from './schedules.ts'
import { mayOnWorkflow, isNotRestoring } from '../../access/conditions.ts'
import { recordEntry } from '../executions/history.ts'
import { existsIn } from '../../sql/exists.ts'
import { pendingRow } from '../executions/create.ts'

/** A schedule whose next planned time has come. */
export type DueSchedule = ScheduleView & { readonly nextAt: Date }

/** Schedules whose time has come, the longest overdue first. None while a restore is under way. */
export async function dueSchedules(
  store: Store,
  { at, limit }: { readonly at: Date; readonly limit: number },
): Promise<readonly DueSchedule[]> {
  const rows = await store.read(dueQuery(store.dialect, { at, limit }))
  return rows.flatMap(({ nextAt, ...schedule }) => (nextAt === null ? [] : [{ ...schedule, nextAt }]))
}

/** The query of what is due, for its plan. */
export function dueQuery(
  dialect: Dialect,
  { at, limit }: { readonly at: Date; readonly limit: number },
): Query<ScheduleView> {
  const { builder, tables } = dialect
  const { schedules } = tables
  return buildQuery(
    builder
      .select(viewFields(dialect))
      .from(schedules)
      .where(all(lte(schedules.nextAt, at), isNotRestoring(dialect)))
      .orderBy(asc(schedules.nextAt), asc(schedules.id))
      .limit(limit),
  )
}

export interface PlannedStart {
  readonly schedule: DueSchedule
  /** The planned time that is served: `nextAt`, or a later one, where those before are passed over. */
  readonly plannedAt: Date
  /** The planned time after it; null where there is none. */
  readonly nextAt: Date | null
  readonly executionId: string
  readonly eventId: string
  readonly at: Date
}

/**
 * `closed`: another scheduler served it, or the schedule has changed; or its maker may not start it, or its last execution
 * is unfinished where it skips then.
 */
export async function startPlanned(store: Store, start: PlannedStart): Promise<'started' | 'closed'> {
  const { dialect } = store
  const { schedule, plannedAt, nextAt, executionId, eventId, at } = start
  const { schedules } = dialect.tables
  const update = dialect.builder
    .update(schedules)
    .set({ nextAt, lastAt: plannedAt, lastExecutionId: executionId, lastOp: eventId })
    .where(
      all(
        isAsRead(dialect, schedule),
        isMakersRight(dialect, schedule),
        schedule.overlap === 'skip' ? not(isLastUnfinished(dialect, schedule)) : sql`1 = 1`,
      ),
    )
  const created = { type: 'created', at, actor: schedule.createdBy } as const
  const { isOpen } = await store.apply({
    locks: locksOf(dialect, schedule),
    gate: buildStatement(update),
    effects: [insertExecution(dialect, start), recordEntry(dialect, executionId, created), recordStart(dialect, start)],
    proof: eventQuery(dialect, eventId),
  })
  return isOpen ? 'started' : 'closed'
}

/** Moves on without an execution: where planned times are passed over, or its last execution is unfinished. */
export async function passOver(
  store: Store,
  pass: {
    readonly schedule: DueSchedule
    readonly nextAt: Date | null
    readonly because: 'missed' | 'unfinished'
    readonly operation: string
  },
): Promise<boolean> {
  const { dialect } = store
  const { schedule, nextAt, because, operation } = pass
  const { schedules } = dialect.tables
  const condition = because === 'missed' ? sql`1 = 1` : isLastUnfinished(dialect, schedule)
  const update = dialect.builder
    .update(schedules)
    .set({ nextAt, lastOp: operation })
    .where(all(isAsRead(dialect, schedule), condition))
  const moved = dialect.builder
    .select({ id: schedules.id })
    .from(schedules)
    .where(and(eq(schedules.id, schedule.id), eq(schedules.lastOp, operation)))
  // Sent a second time it would find another `next_at`: so a mark that the next write replaces is proof enough here.
  const { isOpen } = await store.apply({
    locks: locksOf(dialect, schedule),
    gate: buildStatement(update),
    proof: buildQuery(moved),
  })
  return isOpen
}

/** `not_allowed`: its maker may not start it any more; `no_timetable`: it says no time that this platform understands. */
export type DisablingCause = 'not_allowed' | 'no_timetable'

/** What its row says of why it ended; of a maker it depends on whether that user is disabled at that moment. */
export type DisablingReason = string | { readonly isDisabled: string; readonly otherwise: string }

function reasonIn({ builder, tables: { users } }: Dialect, { createdBy }: DueSchedule, reason: DisablingReason) {
  if (typeof reason === 'string') return reason
  if (createdBy === null) return reason.otherwise
  const disabled = builder
    .select({ one: sql`1` })
    .from(users)
    .where(and(eq(users.id, createdBy), isNotNull(users.disabledAt)))
  return sql`case when ${exists(disabled)} then ${reason.isDisabled} else ${reason.otherwise} end`
}

/** Ends a schedule, with the reason; false where another was faster, or its cause is gone. */
export async function disableSchedule(
  store: Store,
  disabling: {
    readonly schedule: DueSchedule
    readonly cause: DisablingCause
    readonly reason: DisablingReason
    readonly eventId: string
    readonly at: Date
  },
): Promise<boolean> {
  const { dialect } = store
  const { schedule, cause, reason, eventId, at } = disabling
  const { schedules } = dialect.tables
  const update = dialect.builder
    .update(schedules)
    .set({
      isEnabled: false,
      nextAt: null,
      disabledReason: reasonIn(dialect, schedule, reason),
      revision: sql`${schedules.revision} + 1`,
      lastOp: eventId,
      updatedAt: at,
    })
    .where(
      all(isAsRead(dialect, schedule), cause === 'not_allowed' ? not(isMakersRight(dialect, schedule)) : sql`1 = 1`),
    )
  const { id, workflowId } = schedule
  const event: AuditEvent = {
    id: eventId,
    at,
    type: 'schedule.disabled',
    actor: { kind: 'system', userId: null, id: null },
    subject: { type: 'schedule', id },
    workflowId,
    ownerId: ownerOf(dialect, workflowId),
    data: { cause },
    origin: { requestId: null, network: null },
  }
  const { isOpen } = await store.apply({
    locks: locksOf(dialect, schedule),
    gate: buildStatement(update),
    effects: [recordEvent(dialect, event)],
    proof: eventQuery(dialect, eventId),
  })
  return isOpen
}

/** What the gates read: the maker, the workflow and with it its shares, the schedule, its last execution. */
function locksOf(dialect: Dialect, { id, workflowId, createdBy, lastExecutionId }: DueSchedule): readonly RowLock[] {
  const { users, workflows, schedules, executions } = dialect.tables
  return [
    ...(createdBy === null ? [] : [rowLock(dialect, 'users', 'share', eq(users.id, createdBy))]),
    rowLock(dialect, 'workflows', 'share', eq(workflows.id, workflowId)),
    rowLock(dialect, 'schedules', 'no key update', eq(schedules.id, id)),
    ...(lastExecutionId === null ? [] : [rowLock(dialect, 'executions', 'share', eq(executions.id, lastExecutionId))]),
  ]
}

/** Nobody has served, changed or ended it since: each of these moves `next_at`, or the revision. */
function isAsRead(dialect: Dialect, { id, nextAt, revision }: DueSchedule): SQL {
  const { schedules } = dialect.tables
  return all(
    eq(schedules.id, id),
    eq(schedules.nextAt, nextAt),
    eq(schedules.isEnabled, true),
    eq(schedules.revision, revision),
    isNotRestoring(dialect),
  )
}

/** Whether its maker is there, not disabled, and may start executions of the workflow. */
function isMakersRight(dialect: Dialect, { workflowId, createdBy }: DueSchedule): SQL {
  if (createdBy === null) return sql`1 = 0`
  const { users, workflows } = dialect.tables
  const maker = existsIn(dialect, users, eq(users.id, createdBy), isNull(users.disabledAt))
  // A schedule has no token of which a moment could count.
  const terms = { userId: createdBy, issuedAt: new Date(0), mayAdminister: true }
  const workflow = existsIn(
    dialect,
    workflows,
    eq(workflows.id, workflowId),
    mayOnWorkflow(dialect, terms, workflows, 'execute'),
  )
  return all(maker, workflow)
}

const unfinished: ExecutionStatus[] = ['pending', 'running', 'paused']

function isLastUnfinished(dialect: Dialect, { lastExecutionId }: DueSchedule): SQL {
  if (lastExecutionId === null) return sql`1 = 0`
  const { executions } = dialect.tables
  return existsIn(dialect, executions, eq(executions.id, lastExecutionId), inArray(executions.status, unfinished))
}

/** Of the version that the workflow, whose row the batch holds, has now. */
function insertExecution(dialect: Dialect, { schedule, executionId, at }: PlannedStart): Statement {
  const { executions, workflows } = dialect.tables
  const { createdBy, input, maxAttempts, id: scheduleId } = schedule
  const row = {
    ...pendingRow(executionId, createdBy, at),
    workflowId: workflows.id,
    versionNumber: workflows.versionNumber,
    input,
    maxAttempts,
    dueAt: null,
    scheduleId,
  }
  const source = sql`${workflows} where ${eq(workflows.id, schedule.workflowId)}`
  return buildStatement(insertFrom(dialect, executions, row, source))
}

function recordStart(dialect: Dialect, { schedule, executionId, eventId, plannedAt, at }: PlannedStart): Statement {
  const { workflowId } = schedule
  const event: AuditEvent = {
    id: eventId,
    at,
    type: 'execution.started',
    actor: { kind: 'schedule', userId: schedule.createdBy, id: schedule.id },
    subject: { type: 'execution', id: executionId },
    workflowId,
    ownerId: ownerOf(dialect, workflowId),
    data: { plannedAt: plannedAt.toISOString() },
    origin: { requestId: null, network: null },
  }
  return recordEvent(dialect, event)
}
