import { eq } from 'drizzle-orm'
import {
  type Caller,
  callerInput,
  type CallerInput,
  done,
  includes,
  isAnchor,
  isCaller,
  isShareOfCaller,
  type Outcome,
  type Permission,
  permissionFields,
  permissionOf,
  type PermissionRow,
  refused,
  standingFields,
  standingOf,
  type StandingRow,
} from '../../access/access.ts'
import type { WorkflowRow } from '../../schema/rows.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { defineQuery, type Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'

/** A workflow as its caller sees it. */
export type WorkflowView = Pick<
  WorkflowRow,
  | 'id'
  | 'name'
  | 'description'
  | 'definition'
  | 'ownerId'
  | 'isPublic'
  | 'versionNumber'
  | 'revision'
  | 'createdAt'
  | 'updatedAt'
> & { readonly permission: Permission }

export type WorkflowSummary = Omit<WorkflowView, 'definition'>

/** Where a page begins: after the row with this time and id, newest first. */
export interface Keyset {
  readonly at: Date
  readonly id: string
}

export function summaryFields({ tables: { workflows } }: Dialect) {
  return {
    id: workflows.id,
    name: workflows.name,
    description: workflows.description,
    ownerId: workflows.ownerId,
    isPublic: workflows.isPublic,
    versionNumber: workflows.versionNumber,
    revision: workflows.revision,
    createdAt: workflows.createdAt,
    updatedAt: workflows.updatedAt,
  }
}

const workflowQuery = defineQuery<{ id: string } & CallerInput>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, users, workflows, workflowShares } = tables
  return builder
    .select({
      ...standingFields(dialect),
      ...summaryFields(dialect),
      definition: workflows.definition,
      sharePermission: workflowShares.permission,
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(workflows, eq(workflows.id, bind('id', workflows.id)))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .where(isAnchor(dialect))
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
  if (row === undefined || !isWholeView(row)) return refused('not_found')
  const { id, name, description, definition, ownerId, isPublic, versionNumber, revision, createdAt, updatedAt } = row
  return done({
    id,
    name,
    description,
    definition,
    ownerId,
    isPublic,
    versionNumber,
    revision,
    createdAt,
    updatedAt,
    permission: access.value,
  })
}

/** A left join gives all of a row or nothing of it. */
function isWholeView<Row extends { readonly id: string | null }>(
  row: Row,
): row is Row & Omit<WorkflowView, 'permission'> {
  return row.id !== null
}

/** Standing, then whether the workflow may be seen, then whether the permission suffices. */
export function accessOf(
  caller: Caller,
  row: (StandingRow & PermissionRow & { readonly id: string | null }) | undefined,
  needed: Permission,
): Outcome<Permission> {
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  const permission = row === undefined || row.id === null ? undefined : permissionOf(caller, standing.value, row)
  if (permission === undefined) return refused(caller.kind === 'anonymous' ? 'unauthenticated' : 'not_found')
  if (!includes(permission, needed)) return refused('forbidden')
  return done(permission)
}

const accessQuery = defineQuery<{ id: string } & CallerInput>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, users, workflows, workflowShares } = tables
  return builder
    .select({
      ...standingFields(dialect),
      id: workflows.id,
      revision: workflows.revision,
      ...permissionFields(dialect),
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(workflows, eq(workflows.id, bind('id', workflows.id)))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
    .where(isAnchor(dialect))
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
