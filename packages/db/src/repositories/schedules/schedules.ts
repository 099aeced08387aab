import { and, desc, eq, lt, lte, or, sql, type SQL } from 'drizzle-orm'
import {
  callerInput,
  done,
  includes,
  isAnchor,
  isCaller,
  isShareOfCaller,
  isThisCaller,
  permissionFields,
  permissionOf,
  refused,
  standingFields,
  standingOf,
  type CallerInput,
  type Outcome,
  type Permission,
  type PermissionRow,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { ScheduleRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, defineQuery, type Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { accessOf, type Keyset } from '../workflows/workflows.ts'

/** A schedule as those who may read its workflow's executions see it. */
export type ScheduleView = Omit<ScheduleRow, 'lastOp'>

export function viewFields({ tables: { schedules } }: Dialect) {
  return {
    id: schedules.id,
    workflowId: schedules.workflowId,
    name: schedules.name,
    cron: schedules.cron,
    timeZone: schedules.timeZone,
    input: schedules.input,
    maxAttempts: schedules.maxAttempts,
    isEnabled: schedules.isEnabled,
    disabledReason: schedules.disabledReason,
    overlap: schedules.overlap,
    catchUp: schedules.catchUp,
    nextAt: schedules.nextAt,
    lastAt: schedules.lastAt,
    lastExecutionId: schedules.lastExecutionId,
    revision: schedules.revision,
    createdBy: schedules.createdBy,
    createdAt: schedules.createdAt,
    updatedAt: schedules.updatedAt,
  }
}

type Nullable<View> = { readonly [Name in keyof View]: View[Name] | null }

type ReadRow = StandingRow & PermissionRow & Nullable<ScheduleView>

const readQuery = defineQuery<CallerInput & { id: string }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, users, schedules, workflows, workflowShares } = tables
  return builder
    .select({ ...standingFields(dialect), ...viewFields(dialect), ...permissionFields(dialect) })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(schedules, eq(schedules.id, bind('id', schedules.id)))
    .leftJoin(workflows, eq(workflows.id, schedules.workflowId))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .where(isAnchor(dialect))
})

/** One schedule, for those whose permission on its workflow suffices. */
export async function getSchedule(
  store: Store,
  caller: UserCaller,
  id: string,
  needed: Permission,
): Promise<Outcome<ScheduleView>> {
  const [row] = await store.read(readQuery(store.dialect, { id, ...callerInput(caller) }))
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  if (row === undefined || !isWhole(row)) return refused('not_found')
  // That a workflow is public opens nothing of its schedules.
  const permission = permissionOf(caller, standing.value, { ...row, isPublic: false })
  if (permission === undefined) return refused('not_found')
  return includes(permission, needed) ? done(viewOf(row)) : refused('forbidden')
}

export interface ScheduleListing {
  readonly limit: number
  readonly after?: Keyset | undefined
}

/** What the inputs of a page may have together; its first schedule is in it, however long. */
const mostInputBytes = 8 * 1024 * 1024

export interface ListedSchedules {
  readonly schedules: readonly ScheduleView[]
  /** Whether the list goes on behind them. */
  readonly hasMore: boolean
}

/** A page of a workflow's schedules, newest first. */
export async function listSchedules(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  listing: ScheduleListing,
): Promise<Outcome<ListedSchedules>> {
  const rows = await store.read(listQuery(store.dialect, caller, workflowId, listing))
  const [first] = rows
  // Whoever sees a workflow because it is public alone sees nothing of what it runs.
  const seen = accessOf(caller, first && { ...first, id: first.seenWorkflowId }, 'view')
  if (!seen.ok) return seen
  const own = accessOf(caller, first && { ...first, id: first.seenWorkflowId, isPublic: false }, 'view')
  if (!own.ok) return refused('forbidden')
  const found = rows.filter(isWhole)
  const schedules = found.filter(({ bytesBefore }, position) => position === 0 || Number(bytesBefore) < mostInputBytes)
  const page = schedules.slice(0, listing.limit)
  return done({ schedules: page.map(viewOf), hasMore: found.length > page.length })
}

type ListRow = ReadRow & { readonly seenWorkflowId: string | null; readonly bytesBefore: number | null }

/** The query of a list, for its plan. Of what does not fit into the page, the input is left out. */
export function listQuery(
  dialect: Dialect,
  caller: UserCaller,
  workflowId: string,
  listing: ScheduleListing,
): Query<ListRow> {
  const { builder, tables } = dialect
  const { marks, users, schedules, workflows, workflowShares } = tables
  const bytesBefore = sql<number>`page.bytes_before`.mapWith(Number)
  return buildQuery(
    builder
      .select({
        ...standingFields(dialect),
        ...viewFields(dialect),
        input: sql<
          ScheduleView['input']
        >`case when page.bytes_before < ${sql.raw(String(mostInputBytes))} then ${schedules.input} end`.mapWith(
          schedules.input,
        ),
        ...permissionFields(dialect),
        seenWorkflowId: workflows.id,
        bytesBefore,
      })
      .from(marks)
      .leftJoin(users, isThisCaller(dialect, caller))
      .leftJoin(workflows, eq(workflows.id, workflowId))
      .leftJoin(workflowShares, isShareOfCaller(dialect))
      .leftJoin(sql`(${pageOf(dialect, workflowId, listing)}) page`, sql`1 = 1`)
      .leftJoin(schedules, sql`${schedules.id} = page.id`)
      .where(isAnchor(dialect))
      .orderBy(desc(schedules.createdAt), desc(schedules.id)),
  )
}

/** Ids of a page, each with how many bytes the inputs before it have. */
function pageOf(dialect: Dialect, workflowId: string, { limit, after }: ScheduleListing): SQL {
  const { schedules } = dialect.tables
  const { createdAt, id } = schedules
  const where = and(
    eq(schedules.workflowId, workflowId),
    after === undefined ? undefined : and(lte(createdAt, after.at), or(lt(createdAt, after.at), lt(id, after.id))),
  )
  const order = sql`order by ${createdAt} desc, ${id} desc`
  const bytes = sql`coalesce(length(${dialect.exactText(schedules.input)}), 0)`
  return sql`select ${id} as id, sum(${bytes}) over (${order}) - ${bytes} as bytes_before from ${schedules} where ${where} ${order} limit ${sql.raw(String(limit + 1))}`
}

/** A left join gives all of a row or nothing of it. */
function isWhole<Row extends { readonly id: string | null }>(row: Row): row is Row & ScheduleView {
  return row.id !== null
}

function viewOf(row: ScheduleView): ScheduleView {
  return {
    id: row.id,
    workflowId: row.workflowId,
    name: row.name,
    cron: row.cron,
    timeZone: row.timeZone,
    input: row.input,
    maxAttempts: row.maxAttempts,
    isEnabled: row.isEnabled,
    disabledReason: row.disabledReason,
    overlap: row.overlap,
    catchUp: row.catchUp,
    nextAt: row.nextAt,
    lastAt: row.lastAt,
    lastExecutionId: row.lastExecutionId,
    revision: row.revision,
    createdBy: row.createdBy,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  }
}
