import { eq, gte, inArray, lt, lte, not, sql, type Column, type SQL } from 'drizzle-orm'
import { all, any, type UserCaller } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'
import { mayOnWorkflow } from '../../access/conditions.ts'
import { unionOf } from '../../access/pages.ts'
import { existsIn } from '../../sql/exists.ts'
import { anyOfTooMany, parentsOf, whereFew, type Parents } from './list-parents.ts'
import { type ManyParents, type Range, type Ranges, type Span, asIs, isWithin } from '../../sql/reaching.ts'

/** The span is of `createdAt`. */
export interface ExecutionListing extends Span {
  /** Any of these; every one when empty. */
  readonly statuses: readonly ExecutionStatus[]
  readonly workflowId?: string | undefined
  readonly limit: number
}

/** Through which workflows the caller reaches executions. */
export type Reached =
  /** All of them. Given limits, it reads no page where there are too many, but tells so. */
  | { readonly kind: 'all'; readonly limits?: ListLimits | undefined }
  /** Those of the newest executions. */
  | { readonly kind: 'newest' }
  | { readonly kind: 'workflows'; readonly many: ManyParents; readonly workflowIds: readonly string[] }

/** Of everyone's newest executions so many are looked at: a page is full of them where one in five or ten is the caller's. */
const mostNewest = 500

export interface ListLimits {
  /** Where a join reads all that belongs: then the workflows' ids are told. */
  readonly many: ManyParents | undefined
  /** Whether they are told however many there are. */
  readonly areAllTold: boolean
}

const byWorkflow = 'executions_workflow_id_created_at_id_index'
const byWorkflowStatus = 'executions_workflow_id_status_due_at_created_at_id_index'

/**
 * Ids of a page: each part is served by one index and cut to a page before they are joined. An execution can be in
 * several parts (the caller's own on the caller's own workflow): `union` keeps one.
 */
export function pageOf(dialect: Dialect, caller: UserCaller, listing: ExecutionListing, reached: Reached): SQL {
  const parts =
    listing.workflowId === undefined
      ? [
          ...throughReached(dialect, caller, listing, reached),
          ...startedPart(dialect, caller, listing),
          ...(caller.mayAdminister ? [everyonesPart(dialect, caller, listing)] : []),
        ]
      : [
          ...ofWorkflow(dialect, caller, listing.workflowId, listing),
          ...startedPart(dialect, caller, listing, not(mayView(dialect, caller, listing.workflowId))),
        ]
  return unionOf(parts)
}

function throughReached(
  dialect: Dialect,
  caller: UserCaller,
  listing: ExecutionListing,
  reached: Reached,
): readonly SQL[] {
  switch (reached.kind) {
    case 'all':
      return parentsOf(dialect, caller).flatMap((parents) =>
        throughAll(dialect, listing, reached.limits === undefined ? parents : whereFew(dialect, parents)),
      )
    case 'newest':
      return [newestPart(dialect, caller, listing)]
    case 'workflows':
      return ofWorkflows(dialect, caller, listing, reached)
  }
}

function pagesOf({ tables: { executions } }: Dialect, listing: ExecutionListing) {
  return { table: executions, span: listing, limit: listing.limit + 1 }
}

/** What every part gives: a page's worth, in the order of the list. */
function pagePart({ tables: { executions } }: Dialect, { limit }: ExecutionListing) {
  return {
    table: executions,
    fields: sql`${executions.id} as id, ${executions.createdAt} as created_at`,
    order: sql`${executions.createdAt} desc, ${executions.id} desc`,
    limit: limit + 1,
  }
}

/**
 * The ranges of one workflow's index that hold a page. Along the time until the page is full; but all of a status that few
 * have.
 */
function rangesOf(dialect: Dialect, workflowId: string | SQL, { statuses }: ExecutionListing): Ranges {
  const { one: reach } = dialect.reach
  const { executions } = dialect.tables
  const along = { index: byWorkflow, isAlong: true, where: isOfStatus(dialect, statuses) }
  if (statuses.length === 0) return { ranges: [along] }
  const ofOne = (status: ExecutionStatus, limit: number, offset = 0) =>
    reach.ofOne({
      ...{ table: executions, fields: sql`1`, index: byWorkflowStatus, limit, offset },
      where: all(eq(executions.workflowId, workflowId), eq(executions.status, status)),
    })
  const some = statuses.map(
    (status, position) =>
      sql`select * from (${ofOne(status, reach.mostSorted + 1)}) ${sql.raw(`of_status_${position}`)}`,
  )
  const [first, ...others] = statuses
  const most = sql.raw(String(reach.mostSorted))
  // Where a table would be made of what is counted: of one status, whether there is one more than that.
  const count =
    dialect.reach.many !== undefined && first !== undefined && others.length === 0
      ? sql`select case when (${ofOne(first, 1, reach.mostSorted)}) is null then 0 else ${most} + 1 end`
      : sql`select count(*) from (${sql.join(some, sql` union all `)}) some_of_status`
  return {
    count,
    ranges: [
      { ...along, isRead: (count) => sql`${count} > ${most}` },
      ...byStatus(dialect, statuses).map((range) => ({ ...range, isRead: (count: SQL) => sql`${count} <= ${most}` })),
    ],
  }
}

/** Of each status the range that has all of it. */
function byStatus(dialect: Dialect, statuses: readonly ExecutionStatus[]): readonly Range[] {
  return statuses.map((status) => ({
    index: byWorkflowStatus,
    isAlong: false,
    where: isOfStatus(dialect, [status]),
  }))
}

function ofWorkflow(
  dialect: Dialect,
  caller: UserCaller,
  workflowId: string,
  listing: ExecutionListing,
): readonly SQL[] {
  const { executions, workflows } = dialect.tables
  return dialect.reach.pages({
    ...pagesOf(dialect, listing),
    parent: workflows,
    parentWhere: all(eq(workflows.id, workflowId), mayOnWorkflow(dialect, caller, workflows, 'view')),
    parentId: workflows.id,
    childId: executions.workflowId,
    // Given the id as a value, PostgreSQL knows that a workflow is large, and counts its executions in the whole table.
    rangesOf: (id) => rangesOf(dialect, dialect.reach.many === undefined ? id : workflowId, listing),
  })
}

/** Of each a page's worth, and of these the caller's: without an administrator's, who sees everyone's in a part of its own. */
function ofWorkflows(
  dialect: Dialect,
  { userId }: UserCaller,
  listing: ExecutionListing,
  { many, workflowIds }: Extract<Reached, { kind: 'workflows' }>,
): readonly SQL[] {
  const { executions, workflows, workflowShares } = dialect.tables
  const { fields, ...part } = pagePart(dialect, listing)
  const parts = workflowIds.flatMap((workflowId) => {
    const { count, ranges } = rangesOf(dialect, workflowId, listing)
    return ranges.map(
      ({ index, where, isRead }) =>
        sql`(${many.ofOne({
          ...part,
          fields: sql`${fields}, ${executions.workflowId} as workflow_id`,
          where: all(
            eq(executions.workflowId, workflowId),
            count && isRead?.(sql`(${count})`),
            where?.(asIs),
            isInSpan(dialect, listing),
          ),
          index,
        })})`,
    )
  })
  if (parts.length === 0) return []
  const known = sql.join(parts, sql` union all `)
  const { workflowId: sharedId, sharedWithUserId } = workflowShares
  const isShared = existsIn(dialect, workflowShares, eq(sharedId, workflows.id), eq(sharedWithUserId, userId))
  const isReached = any(eq(workflows.ownerId, userId), isShared)
  return [
    sql`select known.id, known.created_at from (${known}) known inner join ${workflows} on ${workflows.id} = known.workflow_id where ${isReached}`,
  ]
}

/** Each answer is a value, which no planner makes a join of, or reads all parents for. */
function newestPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing): SQL {
  const { executions, workflows, workflowShares } = dialect.tables
  const { statuses, limit } = listing
  const { workflowId, sharedWithUserId } = workflowShares
  const isOwned = sql`(select ${workflows.ownerId} from ${workflows} where ${eq(workflows.id, executions.workflowId)}) = ${sql.param(caller.userId, workflows.ownerId)}`
  const isShared = sql`(select 1 from ${workflowShares} where ${all(eq(workflowId, executions.workflowId), eq(sharedWithUserId, caller.userId))}) = 1`
  return dialect.reach.newest({
    table: executions,
    fields: sql`${executions.id} as id, ${executions.createdAt} as created_at`,
    where: all(sql`1 = 1`, isInSpan(dialect, listing)),
    at: executions.createdAt,
    id: executions.id,
    most: mostNewest,
    isWanted: all(sql`1 = 1`, isOfStatus(dialect, statuses)?.(asIs), any(isOwned, isShared)),
    limit: limit + 1,
  })
}

/** The moment of the last one that {@link newestPart} looks at; null where it looks at all. */
export function newestUntil(dialect: Dialect, listing: ExecutionListing): SQL {
  const { executions } = dialect.tables
  const { createdAt, id } = executions
  const looked = dialect.reach.one.ofOne({
    table: executions,
    fields: sql`${createdAt} as created_at`,
    index: 'executions_created_at_id_index',
    where: all(sql`1 = 1`, isInSpan(dialect, listing)),
    order: sql`${createdAt} desc, ${id} desc`,
    limit: mostNewest,
  })
  return sql`select case when count(*) = ${sql.raw(String(mostNewest))} then min(looked.created_at) end as until from (${looked}) looked`
}

/** Where a join reads all that an index leads to, each status is a range of its own; elsewhere each parent has its ranges. */
function throughAll(
  dialect: Dialect,
  listing: ExecutionListing,
  { table, id, isReached, isWanted }: Parents,
): readonly SQL[] {
  const { statuses } = listing
  const isJoined = dialect.reach.many !== undefined && statuses.length > 0
  return dialect.reach.pages({
    ...pagesOf(dialect, listing),
    parent: table,
    parentWhere: isReached,
    isWanted,
    parentId: id,
    childId: dialect.tables.executions.workflowId,
    rangesOf: (workflowId) =>
      isJoined ? { ranges: byStatus(dialect, statuses) } : rangesOf(dialect, workflowId, listing),
  })
}

/** Whether the workflow is there, and the caller may see it: then all that is its own is seen by that. */
function mayView(dialect: Dialect, caller: UserCaller, workflowId: string): SQL {
  const { workflows } = dialect.tables
  const isSeen = mayOnWorkflow(dialect, caller, workflows, 'view')
  return existsIn(dialect, workflows, eq(workflows.id, workflowId), isSeen)
}

/** @param isWanted asked of the caller, once, before anything is read */
function startedPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing, isWanted?: SQL): readonly SQL[] {
  const { executions, users } = dialect.tables
  const { workflowId, statuses } = listing
  const ofWorkflow: Condition | undefined =
    workflowId === undefined ? undefined : (named) => eq(sql`${named(executions.workflowId)}`, workflowId)
  const index = 'executions_user_id_created_at_id_index'
  return dialect.reach.pages({
    ...pagesOf(dialect, listing),
    parent: users,
    parentWhere: all(eq(users.id, caller.userId), isWanted),
    parentId: users.id,
    childId: executions.userId,
    rangesOf: () => ({ ranges: [{ index, isAlong: true, where: both(isOfStatus(dialect, statuses), ofWorkflow) }] }),
  })
}

function everyonesPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing): SQL {
  const { users } = dialect.tables
  return dialect.reach.behind({
    ...pagePart(dialect, listing),
    gates: [users],
    gateWhere: all(eq(users.id, caller.userId), eq(users.role, 'admin')),
    where: all(sql`1 = 1`, isOfStatus(dialect, listing.statuses)?.(asIs), isInSpan(dialect, listing)),
  })
}

type Condition = NonNullable<Range['where']>

function isOfStatus({ tables: { executions } }: Dialect, statuses: readonly ExecutionStatus[]): Condition | undefined {
  const [first, ...others] = statuses
  if (first === undefined) return undefined
  return (named) => {
    const status = sql`${named(executions.status)}`
    return others.length === 0 ? eq(status, first) : inArray(status, [...statuses])
  }
}

function both(one: Condition | undefined, other: Condition | undefined): Condition | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return (named) => all(one(named), other(named))
}

function isInSpan({ tables: { executions } }: Dialect, listing: ExecutionListing): SQL | undefined {
  return isWithin({ at: executions.createdAt, id: executions.id }, listing)
}

/** Whether a join would read too much: there are more executions of the caller's workflows, or of those shared with it, than it may read, of a status. */
export function hasTooMany(
  dialect: Dialect,
  caller: UserCaller,
  { statuses }: ExecutionListing,
  many: ManyParents,
): SQL {
  const { executions } = dialect.tables
  const kinds =
    statuses.length === 0
      ? [{ index: byWorkflow, where: sql`1 = 1` }]
      : statuses.map((status) => ({ index: byWorkflowStatus, where: eq(executions.status, status) }))
  const [first, ...others] = parentsOf(dialect, caller).flatMap(({ table, id, isReached }) =>
    kinds.map((kind) => {
      const reach = { ...kind, table: executions, parents: [table], parentWhere: isReached }
      return many.hasMore({ ...reach, belongs: eq(executions.workflowId, id) }, many.mostJoined)
    }),
  )
  return any(first ?? sql`1 = 0`, ...others)
}

/**
 * The workflows by which the caller reaches executions of the statuses, where there are too many of these: `id`; of thousands one
 * alone, whatever their executions, with 1 as `of_thousands`.
 */
export function manyIds(
  dialect: Dialect,
  caller: UserCaller,
  listing: ExecutionListing,
  {
    many,
    isTooMany,
    areAllTold,
  }: { readonly many: ManyParents; readonly isTooMany: SQL; readonly areAllTold: boolean },
): SQL {
  const one = anyOfTooMany(dialect, caller)
  const isTold = areAllTold ? undefined : sql`${one} is null`
  const selects = parentsOf(dialect, caller).map(({ table, id, isReached }) => {
    const wanted = all(isReached, isTooMany, isTold, hasAny(dialect, many, listing, id))
    return sql`select ${id} as id, 0 as of_thousands from ${table} where ${wanted}`
  })
  // Without a look whether there are too many executions: that reads a thousand keys.
  const other = sql`select one.id, 1 as of_thousands from (select ${one} as id) one where one.id is not null`
  return sql.join(areAllTold ? selects : [...selects, other], sql` union `)
}

/** Whether a workflow has any of the statuses, by a look into the index; undefined where each will do. */
function hasAny(dialect: Dialect, many: ManyParents, { statuses }: ExecutionListing, id: Column): SQL | undefined {
  const { executions } = dialect.tables
  const ofStatus = isOfStatus(dialect, statuses)
  if (ofStatus === undefined) return undefined
  const one = many.ofOne({
    table: executions,
    fields: sql`1`,
    index: byWorkflowStatus,
    where: all(eq(executions.workflowId, id), ofStatus(asIs)),
    limit: 1,
  })
  // As a value: MariaDB makes a join of `exists`, which reads all.
  return sql`(${one}) = 1`
}

/** The query of the newest execution of each workflow that is not before the page, whatever its status. */
export function headsSelect(
  dialect: Dialect,
  many: ManyParents,
  { since, until, after }: ExecutionListing,
  workflowIds: readonly string[],
): SQL {
  const { executions } = dialect.tables
  const { createdAt, workflowId } = executions
  // Up to the cursor's moment: with the id the index would no longer lead from one workflow to the next.
  const where = all(
    sql`1 = 1`,
    since === undefined ? undefined : gte(createdAt, since),
    until === undefined ? undefined : lt(createdAt, until),
    after === undefined ? undefined : lte(createdAt, after.at),
  )
  return many.heads({
    table: executions,
    parentId: workflowId,
    parentIds: workflowIds,
    where,
    head: sql`max(${createdAt})`,
    index: byWorkflow,
  })
}
