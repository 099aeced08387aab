import { and, desc, eq, exists, gte, inArray, isNull, lt, lte, ne, not, or, sql, type SQL } from 'drizzle-orm'
import {
  all,
  any,
  callerIdOf,
  callerInput,
  done,
  includes,
  isAnchor,
  isCaller,
  isThisCaller,
  mayAct,
  mayOnWorkflow,
  permissionOf,
  refused,
  standingFields,
  standingOf,
  type Caller,
  type CallerInput,
  type Outcome,
  type Permission,
  type PermissionRow,
  type Refusal,
  type StandingRow,
  type UserCaller,
} from '../access.ts'
import type { Dialect } from '../dialect.ts'
import type { DocumentText } from '../document.ts'
import { nameKey } from '../names.ts'
import type { WorkflowRow } from '../rows.ts'
import type { ExecutionStatus } from '../schema.ts'
import { buildQuery, buildStatement, defineQuery, type Statement } from '../statement.ts'
import type { Store } from '../store.ts'
import { takeKey, withKey, type Idempotent, type Kept } from './idempotency.ts'
import { insertAllWhere } from './insert-where.ts'

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

export interface NewWorkflow {
  readonly id: string
  readonly versionId: string
  readonly name: string
  readonly description: string | null
  readonly definition: DocumentText
  readonly isPublic: boolean
  readonly createdAt: Date
}

/** Statuses of executions that stand in the way of a deletion. */
const activeStatuses: ExecutionStatus[] = ['pending', 'running', 'paused']

/** Makes workflows, each its version 1 and owned by the caller: all or none, in one atomic batch. */
export async function createWorkflows(
  store: Store,
  caller: UserCaller,
  workflows: readonly [NewWorkflow, ...NewWorkflow[]],
  idempotent?: Idempotent,
): Promise<Outcome<void> | Kept> {
  const { dialect } = store
  const writes = [
    ...(idempotent === undefined ? [] : [takeKey(dialect, caller, idempotent)]),
    ...insertWorkflows(dialect, caller, workflows),
  ]
  return withKey(store, caller, idempotent, async () => {
    // The batch is atomic: one of its rows tells of all.
    const { affected } = await store.write({ writes, applied: existsQuery(dialect, { id: workflows[0].id }) })
    if ((affected.at(-1) ?? 0) > 0) return done(undefined)
    return checkCallerRefusal(store, caller)
  })
}

const existsQuery = defineQuery<{ id: string }>()(({ builder, tables: { workflows } }, bind) =>
  builder
    .select({ id: workflows.id })
    .from(workflows)
    .where(eq(workflows.id, bind('id', workflows.id))),
)

/** Gives a row when the workflow's last change was that operation. */
export const appliedQuery = defineQuery<{ id: string; operation: string }>()((dialect, bind) => {
  const { workflows } = dialect.tables
  return dialect.builder
    .select({ id: workflows.id })
    .from(workflows)
    .where(and(eq(workflows.id, bind('id', workflows.id)), eq(workflows.lastOp, bind('operation', workflows.lastOp))))
})

/** Gives a row when the workflow is gone. Asked only after this caller's own deletion lost its answer. */
const goneQuery = defineQuery<{ id: string }>()((dialect, bind) => {
  const { builder, tables } = dialect
  const { marks, workflows } = tables
  const workflow = builder
    .select({ one: sql`1` })
    .from(workflows)
    .where(eq(workflows.id, bind('id', workflows.id)))
  return builder
    .select({ name: marks.name })
    .from(marks)
    .where(all(isAnchor(dialect), not(exists(workflow))))
})

/** Two statements, however many there are: each is a round trip on MySQL. */
function insertWorkflows(
  dialect: Dialect,
  caller: UserCaller,
  [first, ...others]: readonly [NewWorkflow, ...NewWorkflow[]],
): readonly Statement[] {
  const { workflows, workflowVersions } = dialect.tables
  const allowed = mayAct(dialect, caller)
  const heads = [headOf(caller, first), ...others.map((workflow) => headOf(caller, workflow))] as const
  const versions = [
    firstVersionOf(caller, first),
    ...others.map((workflow) => firstVersionOf(caller, workflow)),
  ] as const
  return [
    buildStatement(insertAllWhere(dialect, workflows, heads, allowed), { isGate: true }),
    buildStatement(insertAllWhere(dialect, workflowVersions, versions, allowed)),
  ]
}

function headOf({ userId }: UserCaller, workflow: NewWorkflow) {
  return {
    id: workflow.id,
    name: workflow.name,
    description: workflow.description,
    definition: workflow.definition,
    ownerId: userId,
    isPublic: workflow.isPublic,
    versionNumber: 1,
    revision: 1,
    lastOp: null,
    nameKey: nameKey(workflow.name),
    createdAt: workflow.createdAt,
    updatedAt: workflow.createdAt,
  }
}

function firstVersionOf({ userId }: UserCaller, workflow: NewWorkflow) {
  return {
    id: workflow.versionId,
    workflowId: workflow.id,
    versionNumber: 1,
    definition: workflow.definition,
    changeNotes: null,
    createdBy: userId,
    createdAt: workflow.createdAt,
  }
}

/** A write that affected nothing for want of standing: one read more tells which. */
async function checkCallerRefusal(store: Store, caller: UserCaller): Promise<Outcome<never>> {
  const [row] = await store.read(standingQuery(store.dialect, callerInput(caller)))
  const standing = standingOf(caller, row)
  return standing.ok ? refused('unauthenticated') : standing
}

const standingQuery = defineQuery<CallerInput>()((dialect, bind) => {
  const { builder, tables } = dialect
  return builder
    .select(standingFields(dialect))
    .from(tables.marks)
    .leftJoin(tables.users, isCaller(dialect, bind))
    .where(isAnchor(dialect))
})

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
      lastOp: workflows.lastOp,
      sharePermission: workflowShares.permission,
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(workflows, eq(workflows.id, bind('id', workflows.id)))
    .leftJoin(
      workflowShares,
      and(eq(workflowShares.workflowId, workflows.id), eq(workflowShares.sharedWithUserId, users.id)),
    )
    .where(isAnchor(dialect))
})

/** One workflow, with the caller's permission on it. */
export async function getWorkflow(store: Store, caller: Caller, id: string): Promise<Outcome<WorkflowView>> {
  const [row] = await store.read(workflowQuery(store.dialect, { id, ...callerInput(caller) }))
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
      ownerId: workflows.ownerId,
      isPublic: workflows.isPublic,
      revision: workflows.revision,
      sharePermission: workflowShares.permission,
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(workflows, eq(workflows.id, bind('id', workflows.id)))
    .leftJoin(
      workflowShares,
      and(eq(workflowShares.workflowId, workflows.id), eq(workflowShares.sharedWithUserId, users.id)),
    )
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

/** Revisions that an If-Match names, or any. */
export type RevisionCondition = readonly number[] | 'any'

export interface WorkflowChange {
  readonly name?: string
  readonly description?: string | null
  readonly definition?: DocumentText
  readonly isPublic?: boolean
  /** Kept with the version that the definition makes. */
  readonly changeNotes?: string | null
}

export interface WorkflowPatch {
  readonly change: WorkflowChange
  readonly ifRevision: RevisionCondition
  /** Id of the version that a new definition makes. */
  readonly versionId: string
  /** Names this write: the row keeps it, so that it can be told whether it happened. */
  readonly operation: string
  readonly at: Date
}

/** Changes a workflow; a definition whose text differs makes the next version; no change at all leaves it as it is. */
export async function patchWorkflow(
  store: Store,
  caller: UserCaller,
  id: string,
  patch: WorkflowPatch,
): Promise<Outcome<WorkflowView>> {
  const { dialect } = store
  const needed = patch.change.isPublic === undefined ? 'edit' : 'owner'
  const { rows } = await store.write({
    writes: [
      updateWorkflow(dialect, caller, id, patch, needed),
      ...(patch.change.definition === undefined ? [] : [insertNextVersion(dialect, caller, id, patch)]),
    ],
    answer: workflowQuery(dialect, { id, ...callerInput(caller) }),
    applied: appliedQuery(dialect, { id, operation: patch.operation }),
  })
  const view = viewOf(caller, rows[0], needed)
  if (!view.ok || rows[0]?.lastOp === patch.operation) return view
  return matches(patch.ifRevision, view.value.revision) ? view : refused('precondition_failed')
}

function updateWorkflow(
  dialect: Dialect,
  caller: UserCaller,
  id: string,
  { change, ifRevision, operation, at }: WorkflowPatch,
  needed: Permission,
): Statement {
  const { workflows } = dialect.tables
  const { name, description, definition, isPublic } = change
  const update = dialect.builder
    .update(workflows)
    .set({
      ...(name === undefined ? {} : { name, nameKey: nameKey(name) }),
      ...(description === undefined ? {} : { description }),
      ...(isPublic === undefined ? {} : { isPublic }),
      ...(definition === undefined
        ? {}
        : {
            definition,
            versionNumber: sql`${workflows.versionNumber} + case when ${isText(dialect, definition)} then 0 else 1 end`,
          }),
      revision: sql`${workflows.revision} + 1`,
      lastOp: operation,
      updatedAt: at,
    })
    .where(
      all(
        eq(workflows.id, id),
        hasRevision(dialect, ifRevision),
        differs(dialect, change),
        mayAct(dialect, caller),
        mayOnWorkflow(dialect, caller, workflows, needed),
      ),
    )
  return buildStatement(update, { isGate: true })
}

function isText(dialect: Dialect, definition: DocumentText): SQL {
  return sql`${dialect.exactText(dialect.tables.workflows.definition)} = ${definition}`
}

/** Whether the row would change: a patch that changes nothing leaves revision and time as they are. */
function differs(dialect: Dialect, { name, description, definition, isPublic }: WorkflowChange): SQL {
  const { workflows } = dialect.tables
  return any(
    sql`1 = 0`,
    name === undefined ? undefined : ne(workflows.name, name),
    description === undefined ? undefined : differsFrom(description),
    definition === undefined ? undefined : not(isText(dialect, definition)),
    isPublic === undefined ? undefined : ne(workflows.isPublic, isPublic),
  )

  function differsFrom(wanted: string | null): SQL {
    const isAbsent = isNull(workflows.description)
    return wanted === null ? not(isAbsent) : any(isAbsent, ne(workflows.description, wanted))
  }
}

/** The head's definition as its newest version, unless that version is there: then the definition's text is the same. */
function insertNextVersion(
  dialect: Dialect,
  caller: UserCaller,
  id: string,
  { change, versionId, operation, at }: WorkflowPatch,
): Statement {
  const { builder, tables } = dialect
  const { workflows, workflowVersions } = tables
  const isThere = builder
    .select({ one: sql`1` })
    .from(workflowVersions)
    .where(
      and(eq(workflowVersions.workflowId, workflows.id), eq(workflowVersions.versionNumber, workflows.versionNumber)),
    )
  const source = builder
    .select({
      id: sql`${versionId}`,
      workflowId: workflows.id,
      versionNumber: workflows.versionNumber,
      definition: workflows.definition,
      changeNotes: sql`${change.changeNotes ?? null}`,
      createdBy: sql`${caller.userId}`,
      createdAt: sql`${sql.param(at, workflowVersions.createdAt)}`,
    })
    .from(workflows)
    .where(and(eq(workflows.id, id), eq(workflows.lastOp, operation), not(exists(isThere))))
  return buildStatement(builder.insert(workflowVersions).select(source.getSQL()))
}

export function hasRevision({ tables: { workflows } }: Dialect, condition: RevisionCondition): SQL | undefined {
  return condition === 'any' ? undefined : inArray(workflows.revision, [...condition])
}

export function matches(condition: RevisionCondition, revision: number): boolean {
  return condition === 'any' || condition.includes(revision)
}

/** Deletes a workflow with its versions, shares and ended executions, unless one of its executions is unfinished. */
export async function deleteWorkflow(
  store: Store,
  caller: UserCaller,
  id: string,
  ifRevision: RevisionCondition,
): Promise<Outcome<void, Refusal | 'execution_active'>> {
  const { affected } = await store.write({
    writes: deleteStatements(store.dialect, caller, id, ifRevision),
    applied: goneQuery(store.dialect, { id }),
  })
  if (affected.at(-1) === 1) return done(undefined)
  const check = await checkWorkflow(store, caller, id, 'owner')
  if (!check.ok) return check
  return refused(matches(ifRevision, check.value.revision) ? 'execution_active' : 'precondition_failed')
}

/**
 * Versions go first, under the condition that decides and that locks the workflow; the rest follow when none is left,
 * as every workflow has at least one. Children before the parent, for foreign keys.
 */
function deleteStatements(
  dialect: Dialect,
  caller: UserCaller,
  id: string,
  ifRevision: RevisionCondition,
): readonly Statement[] {
  const { builder, tables } = dialect
  const { workflows, workflowVersions, workflowShares, executions } = tables
  const active = builder
    .select({ one: sql`1` })
    .from(executions)
    .where(and(eq(executions.workflowId, id), inArray(executions.status, activeStatuses)))
  const deletable = builder
    .select({ one: sql`1` })
    .from(workflows)
    .where(
      all(
        eq(workflows.id, id),
        hasRevision(dialect, ifRevision),
        mayAct(dialect, caller),
        mayOnWorkflow(dialect, caller, workflows, 'owner'),
        not(exists(active)),
      ),
    )
  const versions = builder
    .select({ one: sql`1` })
    .from(workflowVersions)
    .where(eq(workflowVersions.workflowId, id))
  const areVersionsGone = not(exists(versions))
  return [
    buildStatement(
      builder
        .delete(workflowVersions)
        .where(and(eq(workflowVersions.workflowId, id), sql`exists (${dialect.locking(deletable.getSQL())})`)),
      { isGate: true },
    ),
    buildStatement(builder.delete(workflowShares).where(and(eq(workflowShares.workflowId, id), areVersionsGone))),
    buildStatement(builder.delete(executions).where(and(eq(executions.workflowId, id), areVersionsGone))),
    buildStatement(builder.delete(workflows).where(and(eq(workflows.id, id), areVersionsGone))),
  ]
}

export type WorkflowScope = 'owned' | 'shared' | 'public' | 'all'
export type WorkflowOrder = 'createdAt' | 'updatedAt'

/** Where a page begins: after the row with this time and id, newest first. */
export interface Keyset {
  readonly at: Date
  readonly id: string
}

export interface WorkflowListing {
  readonly scope: WorkflowScope
  /** In the name, ignoring case. */
  readonly q?: string | undefined
  readonly updatedSince?: Date | undefined
  readonly order: WorkflowOrder
  readonly limit: number
  readonly after?: Keyset | undefined
}

/** A page, newest first, and one row more where there are more. */
export async function listWorkflows(
  store: Store,
  caller: Caller,
  listing: WorkflowListing,
): Promise<Outcome<readonly WorkflowSummary[]>> {
  const rows = await store.read(listQuery(store.dialect, caller, listing))
  const standing = standingOf(caller, rows[0])
  if (!standing.ok) return standing
  return done(
    rows.filter(isWholeSummary).map((row) => ({
      id: row.id,
      name: row.name,
      description: row.description,
      ownerId: row.ownerId,
      isPublic: row.isPublic,
      versionNumber: row.versionNumber,
      revision: row.revision,
      permission: permissionOf(caller, standing.value, row) ?? 'view',
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
    })),
  )
}

function isWholeSummary<Row extends { readonly id: string | null }>(
  row: Row,
): row is Row & Omit<WorkflowSummary, 'permission'> {
  return row.id !== null
}

function listQuery(dialect: Dialect, caller: Caller, listing: WorkflowListing) {
  const { builder, tables } = dialect
  const { marks, users, workflowShares } = tables
  const page = pageOf(dialect, callerIdOf(caller), listing)
  const select = builder
    .select({
      ...standingFields(dialect),
      id: page.id,
      name: page.name,
      description: page.description,
      ownerId: page.ownerId,
      isPublic: page.isPublic,
      versionNumber: page.versionNumber,
      revision: page.revision,
      createdAt: page.createdAt,
      updatedAt: page.updatedAt,
      sharePermission: workflowShares.permission,
    })
    .from(marks)
    .leftJoin(users, isThisCaller(dialect, caller))
    .leftJoin(page, sql`1 = 1`)
    .leftJoin(
      workflowShares,
      // No user has an empty id: an anonymous caller's join stays on the index too.
      and(eq(workflowShares.workflowId, page.id), eq(workflowShares.sharedWithUserId, callerIdOf(caller) ?? '')),
    )
    .where(isAnchor(dialect))
    .orderBy(desc(page[listing.order]), desc(page.id))
    .limit(listing.limit + 1)
  return buildQuery(select)
}

/** Each part is served by one index and cut to a page before the parts are joined. */
function pageOf(dialect: Dialect, userId: string | null, listing: WorkflowListing) {
  const { builder } = dialect
  switch (listing.scope) {
    case 'owned':
      return ownedPart(dialect, userId, listing).as('page')
    case 'shared':
      return sharedPart(dialect, userId, listing).as('page')
    case 'public':
      return publicPart(dialect, listing).as('page')
    case 'all': {
      const owned = ownedPart(dialect, userId, listing).as('owned')
      const shared = sharedPart(dialect, userId, listing).as('shared')
      return builder.select().from(owned).unionAll(builder.select().from(shared)).as('page')
    }
  }
}

function ownedPart(dialect: Dialect, userId: string | null, listing: WorkflowListing) {
  const { builder, tables } = dialect
  const { workflows } = tables
  return builder
    .select(summaryFields(dialect))
    .from(workflows)
    .where(and(eq(workflows.ownerId, userId ?? ''), filters(dialect, listing)))
    .orderBy(desc(workflows[listing.order]), desc(workflows.id))
    .limit(listing.limit + 1)
}

function sharedPart(dialect: Dialect, userId: string | null, listing: WorkflowListing) {
  const { builder, tables } = dialect
  const { workflows, workflowShares } = tables
  return builder
    .select(summaryFields(dialect))
    .from(workflowShares)
    .innerJoin(workflows, eq(workflows.id, workflowShares.workflowId))
    .where(
      and(
        eq(workflowShares.sharedWithUserId, userId ?? ''),
        // A share to the owner itself, as adopted databases may have it, is shown once.
        or(isNull(workflows.ownerId), ne(workflows.ownerId, userId ?? '')),
        filters(dialect, listing),
      ),
    )
    .orderBy(desc(workflows[listing.order]), desc(workflows.id))
    .limit(listing.limit + 1)
}

function publicPart(dialect: Dialect, listing: WorkflowListing) {
  const { builder, tables } = dialect
  const { workflows } = tables
  return builder
    .select(summaryFields(dialect))
    .from(workflows)
    .where(and(eq(workflows.isPublic, true), filters(dialect, listing)))
    .orderBy(desc(workflows[listing.order]), desc(workflows.id))
    .limit(listing.limit + 1)
}

function filters(dialect: Dialect, { q, updatedSince, order, after }: WorkflowListing): SQL | undefined {
  const { workflows } = dialect.tables
  const time = workflows[order]
  return and(
    q === undefined ? undefined : dialect.contains(workflows.nameKey, sql`${nameKey(q)}`),
    updatedSince === undefined ? undefined : gte(workflows.updatedAt, updatedSince),
    // The first condition alone bounds the index; MySQL bounds none by a comparison of pairs.
    after === undefined ? undefined : and(lte(time, after.at), or(lt(time, after.at), lt(workflows.id, after.id))),
  )
}
