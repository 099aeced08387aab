import {
  and,
  desc,
  eq,
  exists,
  gte,
  inArray,
  isNull,
  lt,
  lte,
  ne,
  not,
  notInArray,
  or,
  sql,
  type SQL,
} from 'drizzle-orm'
import {
  all,
  any,
  type Caller,
  callerIdOf,
  callerInput,
  type CallerInput,
  callerShape,
  type CallerShape,
  callerTerms,
  callerValues,
  type CallerValues,
  done,
  includes,
  isAnchor,
  isCaller,
  isShareOfCaller,
  mayAct,
  mayOnWorkflow,
  type Outcome,
  type Permission,
  permissionFields,
  permissionOf,
  type PermissionRow,
  type Refusal,
  refused,
  standingFields,
  standingOf,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { DocumentText } from '../../document/index.ts'
import { DatabaseError } from '../../sql/errors.ts'
import { nameKey } from '../../schema/names.ts'
import type { WorkflowRow, WorkflowVersionRow } from '../../schema/rows.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'
import {
  buildStatement,
  defineQuery,
  defineShapedQuery,
  defineShapedStatement,
  defineStatement,
  type Bind,
  type Statement,
} from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { takeKey, withKey, type Idempotent, type Kept } from '../../store/idempotency.ts'
import { insertAllWhere, insertWhere, places } from '../../store/insert-where.ts'
import { checkStanding } from '../accounts/standing.ts'

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
  const head = headOf(caller, first)
  const version = firstVersionOf(caller, first)
  if (others.length === 0) {
    const [shape, values] = [callerShape(caller), callerValues(caller)]
    return [
      insertHead(dialect, shape, { ...head, ...values }),
      insertVersion(dialect, shape, { ...version, ...values }),
    ]
  }
  const { workflows, workflowVersions } = dialect.tables
  const allowed = mayAct(dialect, caller)
  const heads = [head, ...others.map((workflow) => headOf(caller, workflow))] as const
  const versions = [version, ...others.map((workflow) => firstVersionOf(caller, workflow))] as const
  return [
    buildStatement(insertAllWhere(dialect, workflows, heads, allowed), { isGate: true }),
    buildStatement(insertAllWhere(dialect, workflowVersions, versions, allowed)),
  ]
}

const insertHead = defineShapedStatement<CallerShape, WorkflowRow & CallerValues>({ isGate: true })((
  dialect,
  bind,
  shape,
) => {
  const { workflows } = dialect.tables
  const allowed = mayAct(dialect, callerTerms(dialect, bind, shape))
  return insertWhere(dialect, workflows, places(workflows, bind), allowed)
})

const insertVersion = defineShapedStatement<CallerShape, WorkflowVersionRow & CallerValues>()((
  dialect,
  bind,
  shape,
) => {
  const { workflowVersions } = dialect.tables
  const allowed = mayAct(dialect, callerTerms(dialect, bind, shape))
  return insertWhere(dialect, workflowVersions, places(workflowVersions, bind), allowed)
})

function headOf({ userId }: UserCaller, workflow: NewWorkflow): WorkflowRow {
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
    transferredAt: null,
    createdAt: workflow.createdAt,
    updatedAt: workflow.createdAt,
  }
}

function firstVersionOf({ userId }: UserCaller, workflow: NewWorkflow): WorkflowVersionRow {
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
  const standing = await checkStanding(store, caller)
  return standing.ok ? refused('unauthenticated') : standing
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
      lastOp: workflows.lastOp,
      sharePermission: workflowShares.permission,
    })
    .from(marks)
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(workflows, eq(workflows.id, bind('id', workflows.id)))
    .leftJoin(workflowShares, isShareOfCaller(dialect))
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

/** Which members of a change are there, and how: the SQL depends on it. */
interface PatchShape {
  readonly caller: CallerShape
  readonly needed: Permission
  readonly revisions: number | 'any'
  readonly name: boolean
  readonly description: 'absent' | 'null' | 'text'
  readonly definition: boolean
  readonly isPublic: boolean
}

type PatchValues = Partial<WorkflowRow> & CallerValues & RevisionValues
type RevisionName = `revision${number}`
type RevisionValues = { readonly [name: RevisionName]: number }

function updateWorkflow(
  dialect: Dialect,
  caller: UserCaller,
  id: string,
  { change, ifRevision, operation, at }: WorkflowPatch,
  needed: Permission,
): Statement {
  const { name, description, definition, isPublic } = change
  const revisions = ifRevision === 'any' ? [] : ifRevision
  const shape: PatchShape = {
    caller: callerShape(caller),
    needed,
    revisions: ifRevision === 'any' ? 'any' : revisions.length,
    name: name !== undefined,
    description: description === undefined ? 'absent' : description === null ? 'null' : 'text',
    definition: definition !== undefined,
    isPublic: isPublic !== undefined,
  }
  return updateStatement(dialect, shape, {
    ...callerValues(caller),
    ...revisionValues(revisions),
    ...change,
    ...(name === undefined ? {} : { nameKey: nameKey(name) }),
    id,
    lastOp: operation,
    updatedAt: at,
  })
}

function revisionName(index: number): RevisionName {
  return `revision${index}`
}

function revisionValues(revisions: readonly number[]): RevisionValues {
  return Object.fromEntries(revisions.map((revision, index) => [revisionName(index), revision]))
}

const updateStatement = defineShapedStatement<PatchShape, PatchValues>({ isGate: true })((dialect, bind, shape) => {
  const { workflows } = dialect.tables
  const caller = callerTerms(dialect, bind, shape.caller)
  const revisions = shape.revisions === 'any' ? 'any' : boundRevisions(dialect, bind, shape.revisions)
  return dialect.builder
    .update(workflows)
    .set({
      ...(shape.name ? { name: bind('name', workflows.name), nameKey: bind('nameKey', workflows.nameKey) } : {}),
      ...(shape.description === 'absent' ? {} : { description: bind('description', workflows.description) }),
      ...(shape.isPublic ? { isPublic: bind('isPublic', workflows.isPublic) } : {}),
      ...(shape.definition
        ? { definition: bind('definition', workflows.definition), versionNumber: nextVersion(dialect, bind, shape) }
        : {}),
      revision: sql`${workflows.revision} + 1`,
      lastOp: bind('lastOp', workflows.lastOp),
      updatedAt: bind('updatedAt', workflows.updatedAt),
    })
    .where(
      all(
        eq(workflows.id, bind('id', workflows.id)),
        hasRevision(dialect, revisions),
        differs(dialect, bind, shape),
        mayAct(dialect, caller),
        mayOnWorkflow(dialect, caller, workflows, shape.needed),
      ),
    )
})

function boundRevisions(
  { tables: { workflows } }: Dialect,
  bind: Bind<RevisionValues>,
  count: number | 'any',
): readonly SQL[] | 'any' {
  if (count === 'any') return 'any'
  return Array.from({ length: count }, (_none, index) => bind(revisionName(index), workflows.revision))
}

/** Where the definition is all that may change, the update's own condition says that it differs. */
function nextVersion(dialect: Dialect, bind: Bind<PatchValues>, { name, description, isPublic }: PatchShape): SQL {
  const { versionNumber } = dialect.tables.workflows
  if (!name && description === 'absent' && !isPublic) return sql`${versionNumber} + 1`
  return sql`${versionNumber} + case when ${isText(dialect, bind, 'definition')} then 0 else 1 end`
}

function isText(dialect: Dialect, bind: Bind<PatchValues>, name: 'name' | 'description' | 'definition'): SQL {
  return sql`${dialect.exactText(dialect.tables.workflows[name])} = ${bind(name)}`
}

/** Whether the row would change: a patch that changes nothing leaves revision and time as they are. */
function differs(dialect: Dialect, bind: Bind<PatchValues>, shape: PatchShape): SQL {
  const { workflows } = dialect.tables
  const isAbsent = isNull(workflows.description)
  const differences = {
    absent: undefined,
    null: not(isAbsent),
    text: any(isAbsent, not(isText(dialect, bind, 'description'))),
  }
  return any(
    sql`1 = 0`,
    shape.name ? not(isText(dialect, bind, 'name')) : undefined,
    differences[shape.description],
    shape.definition ? not(isText(dialect, bind, 'definition')) : undefined,
    shape.isPublic ? ne(workflows.isPublic, bind('isPublic', workflows.isPublic)) : undefined,
  )
}

function insertNextVersion(
  dialect: Dialect,
  { userId }: UserCaller,
  workflowId: string,
  { change, versionId, operation, at }: WorkflowPatch,
): Statement {
  const changeNotes = change.changeNotes ?? null
  return nextVersionStatement(dialect, {
    workflowId,
    id: versionId,
    operation,
    changeNotes,
    createdBy: userId,
    createdAt: at,
  })
}

type NextVersion = Omit<WorkflowVersionRow, 'versionNumber' | 'definition'> & { readonly operation: string }

/** The head's definition as its newest version, unless that version is there: then the definition's text is the same. */
const nextVersionStatement = defineStatement<NextVersion>()(({ builder, tables }, bind) => {
  const { workflows, workflowVersions } = tables
  const isThere = builder
    .select({ one: sql`1` })
    .from(workflowVersions)
    .where(
      and(eq(workflowVersions.workflowId, workflows.id), eq(workflowVersions.versionNumber, workflows.versionNumber)),
    )
  const source = builder
    .select({
      id: bind('id'),
      workflowId: workflows.id,
      versionNumber: workflows.versionNumber,
      definition: workflows.definition,
      changeNotes: bind('changeNotes'),
      createdBy: bind('createdBy'),
      createdAt: bind('createdAt', workflowVersions.createdAt),
    })
    .from(workflows)
    .where(
      and(
        eq(workflows.id, bind('workflowId', workflows.id)),
        eq(workflows.lastOp, bind('operation', workflows.lastOp)),
        not(exists(isThere)),
      ),
    )
  return builder.insert(workflowVersions).select(source.getSQL())
})

/** The condition that the workflow has one of the revisions. */
export function hasRevision(
  { tables: { workflows } }: Dialect,
  condition: readonly (number | SQL)[] | 'any',
): SQL | undefined {
  if (condition === 'any') return undefined
  if (condition.length === 0) return sql`1 = 0`
  const revisions = condition.map((revision) =>
    typeof revision === 'number' ? sql`${sql.param(revision, workflows.revision)}` : revision,
  )
  return sql`${workflows.revision} in (${sql.join(revisions, sql`, `)})`
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
  if (await isDeleted(store, caller, id, ifRevision)) return done(undefined)
  const check = await checkWorkflow(store, caller, id, 'owner')
  if (!check.ok) return check
  return refused(matches(ifRevision, check.value.revision) ? 'execution_active' : 'precondition_failed')
}

/**
 * PostgreSQL decides by what it saw before it waited for the workflow's lock. An execution that was started meanwhile is
 * left by the statements that follow, and then its foreign key keeps the workflow.
 */
async function isDeleted(
  store: Store,
  caller: UserCaller,
  id: string,
  ifRevision: RevisionCondition,
): Promise<boolean> {
  try {
    const { affected } = await store.write({
      writes: deleteStatements(store.dialect, caller, id, ifRevision),
      applied: goneQuery(store.dialect, { id }),
    })
    return affected.at(-1) === 1
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.fault === 'foreign_key_violation') return false
    throw thrown
  }
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
  const revisions = ifRevision === 'any' ? [] : ifRevision
  const shape = { caller: callerShape(caller), revisions: ifRevision === 'any' ? 'any' : revisions.length } as const
  return [
    deleteVersions(dialect, shape, { id, ...callerValues(caller), ...revisionValues(revisions) }),
    deleteShares(dialect, { id }),
    deleteExecutions(dialect, { id }),
    deleteHead(dialect, { id }),
  ]
}

type DeletionShape = Pick<PatchShape, 'caller' | 'revisions'>
type DeletionValues = CallerValues & RevisionValues & { readonly id: string }

const deleteVersions = defineShapedStatement<DeletionShape, DeletionValues>({ isGate: true })((
  dialect,
  bind,
  shape,
) => {
  const { builder, tables } = dialect
  const { workflows, workflowVersions, executions } = tables
  const active = builder
    .select({ one: sql`1` })
    .from(executions)
    .where(
      and(eq(executions.workflowId, bind('id', executions.workflowId)), inArray(executions.status, activeStatuses)),
    )
  const caller = callerTerms(dialect, bind, shape.caller)
  const deletable = builder
    .select({ one: sql`1` })
    .from(workflows)
    .where(
      all(
        eq(workflows.id, bind('id', workflows.id)),
        hasRevision(dialect, boundRevisions(dialect, bind, shape.revisions)),
        mayAct(dialect, caller),
        mayOnWorkflow(dialect, caller, workflows, 'owner'),
        not(exists(active)),
      ),
    )
  const isOfThis = eq(workflowVersions.workflowId, bind('id', workflowVersions.workflowId))
  return builder.delete(workflowVersions).where(and(isOfThis, sql`exists (${dialect.locking(deletable.getSQL())})`))
})

const deleteShares = defineStatement<{ id: string }>()((dialect, bind) => {
  const { workflowShares } = dialect.tables
  const isOfThis = eq(workflowShares.workflowId, bind('id', workflowShares.workflowId))
  return dialect.builder.delete(workflowShares).where(and(isOfThis, areVersionsGone(dialect, bind)))
})

const deleteExecutions = defineStatement<{ id: string }>()((dialect, bind) => {
  const { executions } = dialect.tables
  const isOfThis = eq(executions.workflowId, bind('id', executions.workflowId))
  const hasEnded = notInArray(executions.status, activeStatuses)
  return dialect.builder.delete(executions).where(and(isOfThis, hasEnded, areVersionsGone(dialect, bind)))
})

const deleteHead = defineStatement<{ id: string }>()((dialect, bind) => {
  const { workflows } = dialect.tables
  const isThis = eq(workflows.id, bind('id', workflows.id))
  return dialect.builder.delete(workflows).where(and(isThis, areVersionsGone(dialect, bind)))
})

function areVersionsGone({ builder, tables: { workflowVersions } }: Dialect, bind: Bind<{ id: string }>): SQL {
  const versions = builder
    .select({ one: sql`1` })
    .from(workflowVersions)
    .where(eq(workflowVersions.workflowId, bind('id', workflowVersions.workflowId)))
  return not(exists(versions))
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

/** What of a listing its SQL depends on. */
interface ListingShape extends Pick<WorkflowListing, 'scope' | 'order'> {
  readonly has: Readonly<Record<'q' | 'updatedSince' | 'after', boolean>>
}

interface ListingValues extends CallerInput {
  /** Empty for an anonymous caller: no user has an empty id, and a join stays on its index. */
  readonly ownId: string
  readonly q: string
  readonly updatedSince: Date | null
  readonly afterAt: Date | null
  readonly afterId: string | null
  readonly rows: number
}

type BindListing = Bind<ListingValues>

function listQuery(dialect: Dialect, caller: Caller, { scope, order, q, updatedSince, after, limit }: WorkflowListing) {
  const has = { q: q !== undefined, updatedSince: updatedSince !== undefined, after: after !== undefined }
  return pageQuery(
    dialect,
    { scope, order, has },
    {
      ...callerInput(caller),
      ownId: callerIdOf(caller) ?? '',
      q: nameKey(q ?? ''),
      updatedSince: updatedSince ?? null,
      afterAt: after?.at ?? null,
      afterId: after?.id ?? null,
      rows: limit + 1,
    },
  )
}

const pageQuery = defineShapedQuery<ListingShape, ListingValues>()((dialect, bind, shape) => {
  const { builder, tables } = dialect
  const { marks, users, workflowShares } = tables
  const page = pageOf(dialect, bind, shape)
  return builder
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
    .leftJoin(users, isCaller(dialect, bind))
    .leftJoin(page, sql`1 = 1`)
    .leftJoin(workflowShares, and(eq(workflowShares.workflowId, page.id), isSharedWithCaller(dialect, bind)))
    .where(isAnchor(dialect))
    .orderBy(desc(page[shape.order]), desc(page.id))
    .limit(rowsPlace)
})

const rowsPlace = sql.placeholder('rows')

function isSharedWithCaller({ tables: { workflowShares } }: Dialect, bind: BindListing): SQL {
  return eq(workflowShares.sharedWithUserId, bind('ownId', workflowShares.sharedWithUserId))
}

/** Each part is served by one index and cut to a page before the parts are joined. */
function pageOf(dialect: Dialect, bind: BindListing, shape: ListingShape) {
  const { builder } = dialect
  switch (shape.scope) {
    case 'owned':
      return ownedPart(dialect, bind, shape).as('page')
    case 'shared':
      return sharedPart(dialect, bind, shape).as('page')
    case 'public':
      return publicPart(dialect, bind, shape).as('page')
    case 'all': {
      const owned = ownedPart(dialect, bind, shape).as('owned')
      const shared = sharedPart(dialect, bind, shape).as('shared')
      return builder.select().from(owned).unionAll(builder.select().from(shared)).as('page')
    }
  }
}

function ownedPart(dialect: Dialect, bind: BindListing, shape: ListingShape) {
  const { workflows } = dialect.tables
  return dialect.builder
    .select(summaryFields(dialect))
    .from(workflows)
    .where(and(eq(workflows.ownerId, bind('ownId', workflows.ownerId)), filters(dialect, bind, shape)))
    .orderBy(desc(workflows[shape.order]), desc(workflows.id))
    .limit(rowsPlace)
}

function sharedPart(dialect: Dialect, bind: BindListing, shape: ListingShape) {
  const { workflows, workflowShares } = dialect.tables
  return dialect.builder
    .select(summaryFields(dialect))
    .from(workflowShares)
    .innerJoin(workflows, eq(workflows.id, workflowShares.workflowId))
    .where(
      and(
        isSharedWithCaller(dialect, bind),
        // A share to the owner itself, as adopted databases may have it, is shown once.
        or(isNull(workflows.ownerId), ne(workflows.ownerId, bind('ownId', workflows.ownerId))),
        filters(dialect, bind, shape),
      ),
    )
    .orderBy(desc(workflows[shape.order]), desc(workflows.id))
    .limit(rowsPlace)
}

function publicPart(dialect: Dialect, bind: BindListing, shape: ListingShape) {
  const { workflows } = dialect.tables
  return dialect.builder
    .select(summaryFields(dialect))
    .from(workflows)
    .where(and(eq(workflows.isPublic, true), filters(dialect, bind, shape)))
    .orderBy(desc(workflows[shape.order]), desc(workflows.id))
    .limit(rowsPlace)
}

function filters(dialect: Dialect, bind: BindListing, { has, order }: ListingShape): SQL | undefined {
  const { workflows } = dialect.tables
  const time = workflows[order]
  const afterAt = bind('afterAt', time)
  return and(
    has.q ? dialect.contains(workflows.nameKey, bind('q')) : undefined,
    has.updatedSince ? gte(workflows.updatedAt, bind('updatedSince', workflows.updatedAt)) : undefined,
    // The first condition alone bounds the index; MySQL bounds none by a comparison of pairs.
    has.after
      ? and(lte(time, afterAt), or(lt(time, afterAt), lt(workflows.id, bind('afterId', workflows.id))))
      : undefined,
  )
}
