import { eq, gte, inArray, lt, lte, not, sql, type Column, type SQL } from 'drizzle-orm'
import { all, any, type UserCaller } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { ExecutionStatus, Tables } from '../../schema/schema.ts'
import { mayOnWorkflow } from '../../access/conditions.ts'
import { unionOf } from '../../access/pages.ts'
import { existsIn } from '../../sql/exists.ts'
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
  | {
      readonly kind: 'all'
      /** What gives no page where it would have to read too much. */
      readonly limits?: ManyParents | undefined
    }
  | { readonly kind: 'workflows'; readonly many: ManyParents; readonly workflowIds: readonly string[] }

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
          ...(reached.kind === 'all'
            ? [owned(dialect, caller), shared(dialect, caller)].flatMap((parents) =>
                throughAll(dialect, listing, parents),
              )
            : ofWorkflows(dialect, caller, listing, reached)),
          ...startedPart(dialect, caller, listing),
          ...(caller.mayAdminister ? [everyonesPart(dialect, caller, listing)] : []),
        ]
      : [
          ...ofWorkflow(dialect, caller, listing.workflowId, listing),
          ...startedPart(dialect, caller, listing, not(mayView(dialect, caller, listing.workflowId))),
        ]
  return unionOf(parts)
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
  const some = statuses.map((status, position) => {
    const one = reach.ofOne({
      table: executions,
      fields: sql`1`,
      index: byWorkflowStatus,
      where: all(eq(executions.workflowId, workflowId), eq(executions.status, status)),
      limit: reach.mostSorted + 1,
    })
    return sql`select * from (${one}) ${sql.raw(`of_status_${position}`)}`
  })
  const most = sql.raw(String(reach.mostSorted))
  return {
    count: sql`select count(*) from (${sql.join(some, sql` union all `)}) some_of_status`,
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
    rangesOf: () => rangesOf(dialect, workflowId, listing),
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

/** Rows by which a caller reaches executions. */
interface Parents {
  readonly table: Tables['workflows' | 'workflowShares']
  /** The workflow's id. */
  readonly id: Column
  readonly isReached: SQL
}

function owned({ tables: { workflows } }: Dialect, { userId }: UserCaller): Parents {
  return { table: workflows, id: workflows.id, isReached: eq(workflows.ownerId, userId) }
}

function shared({ tables: { workflowShares } }: Dialect, { userId }: UserCaller): Parents {
  const { workflowId, sharedWithUserId } = workflowShares
  return { table: workflowShares, id: workflowId, isReached: eq(sharedWithUserId, userId) }
}

/** Where a join reads all that an index leads to, each status is a range of its own; elsewhere each parent has its ranges. */
function throughAll(dialect: Dialect, listing: ExecutionListing, { table, id, isReached }: Parents): readonly SQL[] {
  const { statuses } = listing
  const isJoined = dialect.reach.many !== undefined && statuses.length > 0
  return dialect.reach.pages({
    ...pagesOf(dialect, listing),
    parent: table,
    parentWhere: isReached,
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

/** Whether a join would read too much: there are more executions of the caller's workflows than it may read. */
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
  const selects = [owned(dialect, caller), shared(dialect, caller)].flatMap(({ table, id, isReached }) =>
    kinds.map(
      (kind) =>
        sql`(${many.some({
          ...kind,
          table: executions,
          parents: [table],
          parentWhere: isReached,
          belongs: eq(executions.workflowId, id),
          limit: many.mostJoined + 1,
        })})`,
    ),
  )
  return sql`(select count(*) from (${sql.join(selects, sql` union all `)}) counted) > ${sql.raw(String(many.mostJoined))}`
}

/** The workflows by which the caller reaches executions of the statuses. */
export function manyIds(
  dialect: Dialect,
  caller: UserCaller,
  listing: ExecutionListing,
  { many, isTooMany }: { readonly many: ManyParents; readonly isTooMany: SQL },
): SQL {
  const selects = [owned(dialect, caller), shared(dialect, caller)].map(({ table, id, isReached }) => {
    const wanted = all(isReached, isTooMany, hasAny(dialect, many, listing, id))
    return sql`select ${id} as id from ${table} where ${wanted}`
  })
  return sql.join(selects, sql` union `)
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
