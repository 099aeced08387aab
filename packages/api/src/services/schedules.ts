import type { UserCaller } from '@millrace/db/access/access'
import type { DocumentText } from '@millrace/db/document'
import type { AuditType } from '@millrace/db/schema/audit-types'
import type { ScheduleCatchUp, ScheduleOverlap } from '@millrace/db/schema/schema'
import * as repository from '@millrace/db/repositories/schedules/schedules'
import type { ScheduleView } from '@millrace/db/repositories/schedules/schedules'
import {
  changeSchedule as writeChange,
  createSchedule as writeSchedule,
  removeSchedule as writeRemoval,
  type ScheduleChange,
} from '@millrace/db/repositories/schedules/write'
import { untilSettled } from '@millrace/db/store/until-settled'
import type { CursorScope } from '../cursor.ts'
import { newId } from '../ids.ts'
import type { IfRevision } from './if-revision.ts'
import { done, refuse, refusedBy, type Refused, type Result } from '../result.ts'
import { timetableIfKnown, timetableOf } from '../schedules/timetable.ts'
import type { UserContext } from './context.ts'
import { type Idempotent, type OrReplay } from './idempotency.ts'
import { pageOf, readKeyset, startOf, type Page, type PageQuery } from './paging.ts'

const defaultMaxAttempts = 3

/** What a caller says of a schedule; the route has checked each by itself. */
export interface ScheduleMembers {
  readonly name?: string | undefined
  readonly cron?: string | undefined
  readonly timeZone?: string | undefined
  readonly input?: DocumentText | undefined
  readonly maxAttempts?: number | undefined
  readonly isEnabled?: boolean | undefined
  readonly overlap?: ScheduleOverlap | undefined
  readonly catchUp?: ScheduleCatchUp | undefined
}

export interface NewSchedule extends ScheduleMembers {
  readonly name: string
  readonly cron: string
}

/** Makes a schedule of a workflow; it starts as the caller. */
export async function createSchedule(
  { store, caller, clock }: UserContext,
  workflowId: string,
  given: NewSchedule,
  key: Idempotent<ScheduleView> | undefined,
): Promise<OrReplay<ScheduleView>> {
  const at = clock()
  const schedule = scheduleOf(caller, workflowId, given, at)
  const idempotent = key && { ...key, answer: key.answerFor(schedule), at }
  const outcome = await writeSchedule(store, caller, schedule, { eventId: newId(at), idempotent })
  if (outcome.ok) return done(schedule)
  return outcome
}

function scheduleOf({ userId }: UserCaller, workflowId: string, given: NewSchedule, at: Date): ScheduleView {
  const { name, cron, timeZone = 'UTC', isEnabled = true } = given
  return {
    id: newId(at),
    workflowId,
    name,
    cron,
    timeZone,
    input: nullIfNull(given.input) ?? null,
    maxAttempts: given.maxAttempts ?? defaultMaxAttempts,
    isEnabled,
    disabledReason: null,
    overlap: given.overlap ?? 'allow',
    catchUp: given.catchUp ?? 'latest',
    nextAt: isEnabled ? (timetableOf(cron, timeZone).after(at) ?? null) : null,
    lastAt: null,
    lastExecutionId: null,
    revision: 1,
    createdBy: userId,
    createdAt: at,
    updatedAt: at,
  }
}

/** A schedule with five of its times to come. */
export async function getSchedule(
  { store, caller, clock }: UserContext,
  id: string,
): Promise<Result<{ readonly schedule: ScheduleView; readonly next: readonly Date[] }>> {
  const found = await repository.getSchedule(store, caller, id, 'view')
  if (!found.ok) return found
  return done({ schedule: found.value, next: nextTimes(found.value, clock()) })
}

const shownTimes = 5

/** The planned times to come: from `nextAt`, which may be overdue, none of a schedule that is disabled. */
function nextTimes({ nextAt, cron, timeZone }: ScheduleView, now: Date): readonly Date[] {
  if (nextAt === null) return []
  const timetable = timetableIfKnown(cron, timeZone)
  const times: Date[] = []
  for (
    let moment = nextAt > now ? nextAt : timetable?.after(now);
    moment !== undefined;
    moment = timetable?.after(moment)
  ) {
    times.push(moment)
    if (times.length === shownTimes) break
  }
  return times
}

/** A page of a workflow's schedules, newest first. */
export async function listSchedules(
  context: UserContext,
  workflowId: string,
  { limit, cursor }: PageQuery,
): Promise<Result<Page<ScheduleView>>> {
  const { store, caller } = context
  const cursors: CursorScope = { list: 'schedules', filters: { workflowId }, userId: caller.userId }
  const start = await startOf(cursors, cursor, readKeyset, () => checkReader(context, workflowId))
  if (!start.ok) return start
  const listed = await repository.listSchedules(store, caller, workflowId, { limit, after: start.value })
  if (!listed.ok) return listed
  return done(pageOf(cursors, listed.value, limit, ({ createdAt, id }) => [createdAt.getTime(), id]))
}

/** Changes a schedule; no change at all leaves it as it is. */
export async function changeSchedule(
  context: UserContext,
  id: string,
  given: ScheduleMembers,
  ifRevision: IfRevision,
): Promise<Result<ScheduleView>> {
  const { store, clock } = context
  return onRevision(context, id, ifRevision, async (caller, schedule) => {
    const at = clock()
    const { change, members } = changeOf(schedule, given, at)
    if (members.length === 0) return done(schedule)
    const edit = { schedule, change, members, type: typeOf(change, members), eventId: newId(at), at }
    if (!(await writeChange(store, caller, edit))) return undefined
    return done({ ...schedule, ...change, revision: schedule.revision + 1, updatedAt: at })
  })
}

/** A schedule that its owner only switches off is disabled, not changed. */
function typeOf({ isEnabled }: ScheduleChange, members: readonly string[]): AuditType {
  return isEnabled === false && members.length === 1 ? 'schedule.disabled' : 'schedule.changed'
}

/** Deletes a schedule; what it started stays. */
export async function removeSchedule(context: UserContext, id: string, ifRevision: IfRevision): Promise<Result<void>> {
  const { store, clock } = context
  return onRevision(context, id, ifRevision, async (caller, schedule) => {
    const at = clock()
    const isRemoved = await writeRemoval(store, caller, { schedule, eventId: newId(at), at })
    return isRemoved ? done(undefined) : undefined
  })
}

/** Reads the schedule, then writes on condition that it is still as it was read; anew where another came between. */
async function onRevision<Value>(
  { store, caller }: UserContext,
  id: string,
  ifRevision: IfRevision,
  write: (caller: UserCaller, schedule: ScheduleView) => Promise<Result<Value> | undefined>,
): Promise<Result<Value>> {
  return untilSettled<Result<Value>>(
    async () => {
      const found = await repository.getSchedule(store, caller, id, 'edit')
      if (!found.ok) return found
      if (ifRevision !== 'any' && !ifRevision.includes(found.value.revision)) return refuse('precondition_failed')
      return (await write(caller, found.value)) ?? 'raced'
    },
    'the schedule',
    `schedules/${id}`,
  )
}

/** Why the caller may not do something to a schedule; undefined when it may. */
export async function checkSchedule(
  { store, caller }: UserContext,
  id: string,
  need: 'view' | 'edit',
): Promise<Refused | undefined> {
  return refusedBy(await repository.getSchedule(store, caller, id, need))
}

/** Why the caller may not read a workflow's schedules; undefined when it may. */
export async function checkReader({ store, caller }: UserContext, workflowId: string): Promise<Refused | undefined> {
  return refusedBy(await repository.listSchedules(store, caller, workflowId, { limit: 1 }))
}

/** What differs, with what follows from it: when it is due next, and why it had been disabled. */
function changeOf(
  schedule: ScheduleView,
  given: ScheduleMembers,
  at: Date,
): { readonly change: ScheduleChange; readonly members: readonly string[] } {
  const { input, ...plain } = given
  const wanted: ScheduleChange = {
    ...Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined)),
    ...(input === undefined ? {} : { input: nullIfNull(input) ?? null }),
  }
  const present: Readonly<Record<string, unknown>> = { ...schedule }
  const change: ScheduleChange = Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) => value !== present[name]),
  )
  const members = Object.keys(change)
  const { cron, timeZone, isEnabled } = { ...schedule, ...change }
  const isReplanned = change.cron !== undefined || change.timeZone !== undefined || change.isEnabled !== undefined
  if (!isReplanned) return { change, members }
  const nextAt = isEnabled ? (timetableOf(cron, timeZone).after(at) ?? null) : null
  return { change: { ...change, nextAt, disabledReason: isEnabled ? null : schedule.disabledReason }, members }
}

/** A document that is `null` is none. */
function nullIfNull(document: DocumentText | undefined): DocumentText | null | undefined {
  return document === 'null' ? null : document
}
