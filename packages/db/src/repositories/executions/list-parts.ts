import { eq, gte, inArray, lt, lte, not, sql, type Column, type SQL } from 'drizzle-orm'
import { all, any, type UserCaller } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { ExecutionStatus, Tables } from '../../schema/schema.ts'
import { mayOnWorkflow } from '../../access/conditions.ts'
import { unionOf } from '../../access/pages.ts'
import { existsIn } from '../../sql/exists.ts'
import { type Keyset, isBehind } from '../../sql/keyset.ts'
import type { ManyParents } from '../../sql/reaching.ts'

export interface ExecutionListing {
  /** Any of these; every one when empty. */
  readonly statuses: readonly ExecutionStatus[]
  readonly workflowId?: string | undefined
  /** Of `createdAt`, this moment included. */
  readonly since?: Date | undefined
  /** Of `createdAt`, this moment excluded. */
  readonly until?: Date | undefined
  readonly limit: number
  readonly after?: Keyset | undefined
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
          startedPart(dialect, caller, listing),
          ...(caller.mayAdminister ? [everyonesPart(dialect, caller, listing)] : []),
        ]
      : [
          ...ofWorkflow(dialect, caller, listing.workflowId, listing),
          startedPart(dialect, caller, listing, not(mayView(dialect, caller, listing.workflowId))),
        ]
  return unionOf(parts)
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

interface WorkflowRange {
  readonly index: string
  readonly where: SQL
  /** Asked once, before anything of the range is read. */
  readonly isRead: SQL
  readonly order?: SQL
}

/** The order of a list, which no index has. To a planner any index will do for a workflow that it takes for an average one. */
function sortedOrder({ reach, tables: { executions } }: Dialect): SQL {
  const { createdAt, id } = executions
  return reach.many === undefined
    ? sql`coalesce(${createdAt}, ${createdAt}) desc, ${id} desc`
    : sql`${createdAt} desc, ${id} desc`
}

/**
 * The ranges of one workflow's index that hold a page. Along the time until the page is full; but all of a status that few
 * have.
 */
function rangesOf(dialect: Dialect, workflowId: string | SQL, listing: ExecutionListing): readonly WorkflowRange[] {
  const { one: reach } = dialect.reach
  const { executions } = dialect.tables
  const where = filters(dialect, listing, reach.unindexed?.(executions.status))
  if (listing.statuses.length === 0) return [{ index: byWorkflow, where, isRead: sql`1 = 1` }]
  const some = listing.statuses.map((status, position) => {
    const isOfStatus = all(eq(executions.workflowId, workflowId), eq(executions.status, status))
    const one = reach.ofOne({
      table: executions,
      fields: sql`1`,
      index: byWorkflowStatus,
      where: isOfStatus,
      limit: reach.mostSorted + 1,
    })
    return sql`select * from (${one}) ${sql.raw(`of_status_${position}`)}`
  })
  const count = sql`(select count(*) from (${sql.join(some, sql` union all `)}) counted)`
  const most = sql.raw(String(reach.mostSorted))
  return [
    { index: byWorkflow, where, isRead: sql`${count} > ${most}` },
    ...listing.statuses.map((status) => ({
      index: byWorkflowStatus,
      where: filters(dialect, { ...listing, statuses: [status] }),
      isRead: sql`${count} <= ${most}`,
      order: sortedOrder(dialect),
    })),
  ]
}

function ofWorkflow(
  dialect: Dialect,
  caller: UserCaller,
  workflowId: string,
  listing: ExecutionListing,
): readonly SQL[] {
  const { executions, workflows } = dialect.tables
  const along = {
    parent: sql`${workflows.id}`,
    columns: [executions.workflowId, executions.createdAt, executions.id] as const,
  }
  return rangesOf(dialect, workflowId, listing).map((range) =>
    dialect.reach.through({
      ...pagePart(dialect, listing),
      ...range,
      ...(range.index === byWorkflow ? { along } : {}),
      parents: [workflows],
      parentWhere: all(eq(workflows.id, workflowId), mayOnWorkflow(dialect, caller, workflows, 'view')),
      belongs: eq(executions.workflowId, workflows.id),
    }),
  )
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
  const parts = workflowIds.flatMap((workflowId) =>
    rangesOf(dialect, workflowId, listing).map(
      ({ index, where, isRead }) =>
        sql`(${many.ofOne({
          ...part,
          fields: sql`${fields}, ${executions.workflowId} as workflow_id`,
          where: all(eq(executions.workflowId, workflowId), isRead, where),
          index,
        })})`,
    ),
  )
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
  const reach = {
    ...pagePart(dialect, listing),
    parents: [table],
    parentWhere: isReached,
    belongs: eq(dialect.tables.executions.workflowId, id),
  }
  if (dialect.reach.many === undefined)
    return rangesOf(dialect, sql`${id}`, listing).map((range) => dialect.reach.through({ ...reach, ...range }))
  if (statuses.length === 0)
    return [dialect.reach.through({ ...reach, index: byWorkflow, where: filters(dialect, listing) })]
  return statuses.map((status) =>
    dialect.reach.through({
      ...reach,
      index: byWorkflowStatus,
      where: filters(dialect, { ...listing, statuses: [status] }),
    }),
  )
}

/** Whether the workflow is there, and the caller may see it: then all that is its own is seen by that. */
function mayView(dialect: Dialect, caller: UserCaller, workflowId: string): SQL {
  const { workflows } = dialect.tables
  const isSeen = mayOnWorkflow(dialect, caller, workflows, 'view')
  return existsIn(dialect, workflows, eq(workflows.id, workflowId), isSeen)
}

/** @param isWanted asked of the caller, once, before anything is read */
function startedPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing, isWanted?: SQL): SQL {
  const { executions, users } = dialect.tables
  const { workflowId } = listing
  return dialect.reach.through({
    ...pagePart(dialect, listing),
    parents: [users],
    parentWhere: all(eq(users.id, caller.userId), isWanted),
    belongs: eq(executions.userId, users.id),
    index: 'executions_user_id_created_at_id_index',
    where: all(filters(dialect, listing), workflowId === undefined ? undefined : eq(executions.workflowId, workflowId)),
  })
}

function everyonesPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing): SQL {
  const { users } = dialect.tables
  return dialect.reach.behind({
    ...pagePart(dialect, listing),
    gates: [users],
    gateWhere: all(eq(users.id, caller.userId), eq(users.role, 'admin')),
    where: filters(dialect, listing),
  })
}

function statusIn(column: Column | SQL, [first, ...others]: readonly ExecutionStatus[]): SQL | undefined {
  if (first === undefined) return undefined
  const value = sql`${column}`
  return others.length === 0 ? eq(value, first) : inArray(value, [first, ...others])
}

function filters(
  dialect: Dialect,
  { statuses, since, until, after }: ExecutionListing,
  status: Column | SQL = dialect.tables.executions.status,
): SQL {
  const { createdAt, id } = dialect.tables.executions
  return all(
    sql`1 = 1`,
    statusIn(status, statuses),
    since === undefined ? undefined : gte(createdAt, since),
    until === undefined ? undefined : lt(createdAt, until),
    isBehind({ at: createdAt, id }, after),
  )
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
  const isOfStatus = statusIn(executions.status, statuses)
  if (isOfStatus === undefined) return undefined
  const one = many.ofOne({
    table: executions,
    fields: sql`1`,
    index: byWorkflowStatus,
    where: all(eq(executions.workflowId, id), isOfStatus),
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
