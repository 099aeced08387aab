import { eq, isNull, sql, type SQL } from 'drizzle-orm'
import { all, done, refused, type Outcome, type UserCaller } from '../../access/access.ts'
import type { AuditType } from '../../schema/audit-types.ts'
import type { ScheduleRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { rowLock, type LockStrength } from '../../sql/row-lock.ts'
import { buildStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import { storeResponse, underKey, type Idempotent, type StoredOutcome } from '../../store/idempotency.ts'
import { insertFrom } from '../../store/insert-where.ts'
import type { Store } from '../../store/store.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, ownerOf, recordEvent, type DataMember } from '../audit/event.ts'
import { workflowLocks } from '../workflows/workflow-locks.ts'
import { checkWorkflow } from '../workflows/workflows.ts'
import type { ScheduleView } from './schedules.ts'
import { mayAct, mayOnWorkflow } from '../../access/conditions.ts'
import { takeOver } from '../workflows/take-over.ts'
import { existsIn } from '../../sql/exists.ts'

/** Makes a schedule, under the caller as its maker. */
export async function createSchedule(
  store: Store,
  caller: UserCaller,
  schedule: ScheduleView,
  { eventId, idempotent }: { readonly eventId: string; readonly idempotent?: Idempotent | undefined },
): Promise<Outcome<void> | StoredOutcome> {
  const { dialect } = store
  const { workflowId } = schedule
  return underKey(store, caller, idempotent, async () => {
    const { isOpen } = await store.apply({
      // Its own row is changed where its owner takes a workflow over that was given to it.
      locks: workflowLocks(dialect, caller, workflowId, 'no key update'),
      gate: insertSchedule(dialect, caller, schedule, eventId),
      effects: [
        takeOver(dialect, caller, workflowId),
        recordChange(dialect, caller, {
          eventId,
          schedule,
          type: 'schedule.created',
          at: schedule.createdAt,
          data: {
            name: schedule.name,
            cron: schedule.cron,
            timeZone: schedule.timeZone,
            isEnabled: schedule.isEnabled,
          },
        }),
        ...(idempotent === undefined ? [] : [storeResponse(dialect, caller, idempotent)]),
      ],
      proof: eventQuery(dialect, eventId),
    })
    if (isOpen) return done(undefined)
    const check = await checkWorkflow(store, caller, workflowId, 'edit')
    return check.ok ? refused('not_found') : check
  })
}

function insertSchedule(dialect: Dialect, caller: UserCaller, schedule: ScheduleView, lastOp: string): Statement {
  const { schedules, workflows } = dialect.tables
  const condition = all(
    eq(workflows.id, schedule.workflowId),
    mayAct(dialect, caller),
    mayOnWorkflow(dialect, caller, workflows, 'edit'),
  )
  const source = dialect.gate.holding(sql`${workflows} where ${condition}`)
  return buildStatement(insertFrom(dialect, schedules, { ...schedule, lastOp }, source))
}

/** Columns that a change sets, beside the revision and the time. */
export type ScheduleChange = Partial<Omit<ScheduleRow, 'id' | 'workflowId' | 'revision' | 'lastOp' | 'updatedAt'>>

export interface ScheduleEdit {
  readonly schedule: Pick<ScheduleView, 'id' | 'workflowId' | 'name' | 'revision' | 'nextAt'>
  readonly change: ScheduleChange
  readonly type: AuditType
  /** Names of the members that change. */
  readonly members: readonly string[]
  readonly eventId: string
  readonly at: Date
}

/**
 * Changes a schedule that has the revision still with which it was read, and was not served since: what is planned next
 * follows from what was. False where it has not, or may not be changed.
 */
export async function changeSchedule(store: Store, caller: UserCaller, edit: ScheduleEdit): Promise<boolean> {
  const { dialect } = store
  const { schedules } = dialect.tables
  const { schedule, change, type, members, eventId, at } = edit
  const revision = schedule.revision + 1
  const update = dialect.builder
    .update(schedules)
    .set({ ...change, revision, lastOp: eventId, updatedAt: at })
    .where(all(mayEdit(dialect, caller, schedule), isUnserved(dialect, schedule)))
  const { isOpen } = await store.apply({
    locks: locksOf(dialect, caller, schedule, 'no key update'),
    gate: buildStatement(update),
    effects: [recordChange(dialect, caller, { eventId, schedule, type, at, data: { members, revision } })],
    proof: eventQuery(dialect, eventId),
  })
  return isOpen
}

/** Deletes a schedule that has the revision still with which it was read; its executions stay. */
export async function removeSchedule(
  store: Store,
  caller: UserCaller,
  { schedule, eventId, at }: Pick<ScheduleEdit, 'schedule' | 'eventId' | 'at'>,
): Promise<boolean> {
  const { dialect } = store
  const { schedules } = dialect.tables
  const data = { name: schedule.name, revision: schedule.revision }
  const { isOpen } = await store.apply({
    locks: locksOf(dialect, caller, schedule, 'update'),
    gate: buildStatement(dialect.builder.delete(schedules).where(mayEdit(dialect, caller, schedule))),
    effects: [recordChange(dialect, caller, { eventId, schedule, type: 'schedule.deleted', at, data })],
    proof: eventQuery(dialect, eventId),
  })
  return isOpen
}

function locksOf(
  dialect: Dialect,
  caller: UserCaller,
  { id, workflowId }: ScheduleEdit['schedule'],
  strength: LockStrength,
) {
  const { schedules } = dialect.tables
  return [
    ...workflowLocks(dialect, caller, workflowId, 'share'),
    rowLock(dialect, 'schedules', strength, eq(schedules.id, id)),
  ]
}

function mayEdit(dialect: Dialect, caller: UserCaller, { id, workflowId, revision }: ScheduleEdit['schedule']): SQL {
  const { schedules, workflows } = dialect.tables
  const workflow = existsIn(
    dialect,
    workflows,
    eq(workflows.id, workflowId),
    mayOnWorkflow(dialect, caller, workflows, 'edit'),
  )
  return all(eq(schedules.id, id), eq(schedules.revision, revision), mayAct(dialect, caller), workflow)
}

/** A scheduler moves it on without a new revision. */
function isUnserved({ tables: { schedules } }: Dialect, { nextAt }: ScheduleEdit['schedule']): SQL {
  return nextAt === null ? isNull(schedules.nextAt) : eq(schedules.nextAt, nextAt)
}

interface RecordedChange {
  readonly eventId: string
  readonly schedule: Pick<ScheduleView, 'id' | 'workflowId'>
  readonly type: AuditType
  readonly at: Date
  readonly data: Readonly<Record<string, DataMember>>
}

function recordChange(
  dialect: Dialect,
  caller: UserCaller,
  { eventId, schedule, type, at, data }: RecordedChange,
): Statement {
  const { id, workflowId } = schedule
  const ownerId = ownerOf(dialect, workflowId)
  const deed = { id: eventId, at, type, subject: { type: 'schedule' as const, id }, workflowId, ownerId, data }
  return recordEvent(dialect, callerEvent(dialect, caller, deed))
}
