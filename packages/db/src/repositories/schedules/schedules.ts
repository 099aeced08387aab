import { and, eq, sql } from 'drizzle-orm'
import {
  callerInput,
  done,
  isCaller,
  isThisCaller,
  permissionOf,
  refused,
  standingOf,
  type CallerInput,
  type Outcome,
  type Permission,
  type PermissionRow,
  type StandingRow,
  type UserCaller,
  absentFor,
  permissionFor,
} from '../../access/access.ts'
import type { ScheduleRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, defineQuery } from '../../sql/building.ts'
import type { Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { accessOf } from '../workflows/workflows.ts'
import { fromWorkflow } from '../../access/reads.ts'
import { pick } from '../../sql/pick.ts'
import { type Cut, cutOf, bytesOf } from '../../sql/page-bytes.ts'
import { isBehind, type Keyset } from '../../sql/keyset.ts'
import { isJoined } from '../../sql/joined.ts'
import { sizedPage } from '../../access/pages.ts'

/** A schedule as those who may read its workflow's executions see it. */
export type ScheduleView = Omit<ScheduleRow, 'lastOp'>

const members = [
  'id',
  'workflowId',
  'name',
  'cron',
  'timeZone',
  'input',
  'maxAttempts',
  'isEnabled',
  'disabledReason',
  'overlap',
  'catchUp',
  'nextAt',
  'lastAt',
  'lastExecutionId',
  'revision',
  'createdBy',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof ScheduleView)[]

export function viewFields({ tables: { schedules } }: Dialect) {
  return pick(schedules, members)
}

type Nullable<View> = { readonly [Name in keyof View]: View[Name] | null }

type ReadRow = StandingRow & PermissionRow & Nullable<ScheduleView>

const readQuery = defineQuery<CallerInput & { id: string }>()((dialect, bind) => {
  const { schedules, workflows } = dialect.tables
  return fromWorkflow(dialect, isCaller(dialect, bind), {
    through: [[schedules, eq(schedules.id, bind('id', schedules.id))]],
    isWorkflow: eq(workflows.id, schedules.workflowId),
    fields: { ...viewFields(dialect) },
  })
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
  if (!isWhole(row)) return absentFor(caller)
  // That a workflow is public opens nothing of its schedules.
  const permission = permissionFor(caller, permissionOf(caller, standing.value, { ...row, isPublic: false }), needed)
  return permission.ok ? done(viewOf(row)) : permission
}

export interface ScheduleListing {
  readonly limit: number
  readonly after?: Keyset | undefined
}

/** A page of a workflow's schedules, newest first, and one row more where there are more. */
export async function listSchedules(
  store: Store,
  caller: UserCaller,
  workflowId: string,
  listing: ScheduleListing,
): Promise<Outcome<Cut<ScheduleView>>> {
  const found = await store.read(listQuery(store.dialect, caller, workflowId, listing))
  const [first] = found
  // Whoever sees a workflow because it is public alone sees nothing of what it runs.
  const seen = accessOf(caller, first && { ...first, id: first.seenWorkflowId }, 'view')
  if (!seen.ok) return seen
  const own = accessOf(caller, first && { ...first, id: first.seenWorkflowId, isPublic: false }, 'view')
  if (!own.ok) return refused('forbidden')
  const { rows, isCut } = cutOf(found)
  return done({ rows: rows.filter(isWhole).map(viewOf), isCut })
}

type ListRow = ReadRow & { readonly seenWorkflowId: string | null; readonly isTooMuch: number | null }

/** The query of a list, for its plan. */
export function listQuery(
  dialect: Dialect,
  caller: UserCaller,
  workflowId: string,
  { limit, after }: ScheduleListing,
): Query<ListRow> {
  const { schedules, workflows } = dialect.tables
  const { createdAt, id } = schedules
  const where = and(eq(schedules.workflowId, workflowId), isBehind({ at: createdAt, id }, after))
  const { isTooMuch, joins } = sizedPage({
    rows: sql`select ${id} as id, ${createdAt} as created_at, ${bytesOf(dialect, [schedules.input])} as bytes from ${schedules} where ${where} order by ${createdAt} desc, ${id} desc limit ${sql.raw(String(limit + 1))}`,
    order: sql`sized.created_at desc, sized.id desc`,
    table: schedules,
    id,
  })
  return buildQuery(
    fromWorkflow(dialect, isThisCaller(dialect, caller), {
      isWorkflow: eq(workflows.id, workflowId),
      fields: { ...viewFields(dialect), seenWorkflowId: workflows.id, isTooMuch },
      joins,
      orderBy: [sql`page.created_at desc`, sql`page.id desc`],
    }),
  )
}

/** A left join gives all of a row or nothing of it. */
const isWhole = isJoined<ScheduleView>('id')

function viewOf(row: ScheduleView): ScheduleView {
  return pick(row, members)
}
