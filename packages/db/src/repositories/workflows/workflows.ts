import { eq } from 'drizzle-orm'
import {
  type Caller,
  callerInput,
  type CallerInput,
  done,
  isCaller,
  type Outcome,
  type Permission,
  permissionOf,
  type PermissionRow,
  standingOf,
  type StandingRow,
  absentFor,
  permissionFor,
} from '../../access/access.ts'
import type { WorkflowRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { defineQuery } from '../../sql/building.ts'
import type { Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { fromWorkflow } from '../../access/reads.ts'
import { pick } from '../../sql/pick.ts'
import { isJoined } from '../../sql/joined.ts'

const summaryMembers = [
  'id',
  'name',
  'description',
  'ownerId',
  'isPublic',
  'versionNumber',
  'revision',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof WorkflowRow)[]

/** A workflow as its caller sees it. */
export type WorkflowView = WorkflowSummary & Pick<WorkflowRow, 'definition'>

export type WorkflowSummary = Pick<WorkflowRow, (typeof summaryMembers)[number]> & { readonly permission: Permission }

export function summaryFields({ tables: { workflows } }: Dialect) {
  return pick(workflows, summaryMembers)
}

/** What is a summary's own of a row with more. */
export function summaryOf(row: Omit<WorkflowSummary, 'permission'>, permission: Permission): WorkflowSummary {
  return { ...pick(row, summaryMembers), permission }
}

const workflowQuery = defineQuery<{ id: string } & CallerInput>()((dialect, bind) => {
  const { workflows } = dialect.tables
  return fromWorkflow(dialect, isCaller(dialect, bind), {
    isWorkflow: eq(workflows.id, bind('id', workflows.id)),
    fields: { ...summaryFields(dialect), definition: workflows.definition },
  })
})

/** The workflow with all that decides about it: for {@link viewOf}. */
export function viewQuery(dialect: Dialect, caller: Caller, id: string): Query<WorkflowReadRow> {
  return workflowQuery(dialect, { id, ...callerInput(caller) })
}

/** One workflow, with the caller's permission on it. */
export async function getWorkflow(store: Store, caller: Caller, id: string): Promise<Outcome<WorkflowView>> {
  const [row] = await store.read(viewQuery(store.dialect, caller, id))
  return viewOf(caller, row, 'view')
}

export type WorkflowReadRow = StandingRow &
  PermissionRow & { readonly [Name in keyof Omit<WorkflowView, 'permission'>]: WorkflowView[Name] | null }

export function viewOf(caller: Caller, row: WorkflowReadRow | undefined, needed: Permission): Outcome<WorkflowView> {
  const access = accessOf(caller, row, needed)
  if (!access.ok) return access
  if (!isWhole(row)) return absentFor(caller)
  return done({ ...summaryOf(row, access.value), definition: row.definition })
}

/** A left join gives all of a row or nothing of it. */
const isWhole = isJoined<Omit<WorkflowView, 'permission'>>('id')

/** Standing, then whether the workflow may be seen, then whether the permission suffices. */
export function accessOf(
  caller: Caller,
  row: (StandingRow & PermissionRow & { readonly id: string | null }) | undefined,
  needed: Permission,
): Outcome<Permission> {
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  if (row === undefined || row.id === null) return absentFor(caller)
  return permissionFor(caller, permissionOf(caller, standing.value, row), needed)
}

const accessQuery = defineQuery<{ id: string } & CallerInput>()((dialect, bind) => {
  const { workflows } = dialect.tables
  return fromWorkflow(dialect, isCaller(dialect, bind), {
    isWorkflow: eq(workflows.id, bind('id', workflows.id)),
    fields: { id: workflows.id, revision: workflows.revision },
  })
})

/** Permission and revision alone: for refusals that rank before what the request itself lacks. */
export async function checkWorkflow(
  store: Store,
  caller: Caller,
  id: string,
  needed: Permission,
): Promise<Outcome<{ readonly permission: Permission; readonly revision: number }>> {
  const [row] = await store.read(accessQuery(store.dialect, { id, ...callerInput(caller) }))
  const access = accessOf(caller, row, needed)
  if (!access.ok) return access
  return done({ permission: access.value, revision: row?.revision ?? 0 })
}
