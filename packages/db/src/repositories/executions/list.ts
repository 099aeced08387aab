import { and, desc, eq, gte, inArray, lt, lte, or, sql, type SQL } from 'drizzle-orm'
import {
  all,
  done,
  isAnchor,
  isThisCaller,
  mayOnWorkflow,
  standingFields,
  standingOf,
  type Outcome,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'
import { buildQuery, type Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { isWholeSummary, summaryFields, summaryOf, type ExecutionSummary } from './executions.ts'
import type { Keyset } from '../workflows/workflows.ts'

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

/** A page of the executions that the caller may see, newest first, and one row more where there are more. */
export async function listExecutions(
  store: Store,
  caller: UserCaller,
  listing: ExecutionListing,
): Promise<Outcome<readonly ExecutionSummary[]>> {
  const rows = await store.read(listQuery(store.dialect, caller, listing))
  const standing = standingOf(caller, rows[0])
  if (!standing.ok) return standing
  return done(rows.filter(isWholeSummary).map(summaryOf))
}

type ListRow = StandingRow & { readonly [Name in keyof ExecutionSummary]: ExecutionSummary[Name] | null }

/** The query of a list, for its plan. */
export function listQuery(dialect: Dialect, caller: UserCaller, listing: ExecutionListing): Query<ListRow> {
  const { builder, tables } = dialect
  const { marks, users, executions, workflows } = tables
  return buildQuery(
    builder
      .select({ ...standingFields(dialect), ...summaryFields(dialect) })
      .from(marks)
      .leftJoin(users, isThisCaller(dialect, caller))
      .leftJoin(sql`(${pageOf(dialect, caller, listing)}) page`, sql`1 = 1`)
      .leftJoin(executions, sql`${executions.id} = page.id`)
      .leftJoin(workflows, eq(workflows.id, executions.workflowId))
      .where(isAnchor(dialect))
      .orderBy(desc(executions.createdAt), desc(executions.id))
      .limit(listing.limit + 1),
  )
}

/**
 * Ids of a page: each part is served by one index and cut to a page before they are joined. An execution can be in
 * several parts (the caller's own on the caller's own workflow): `union` keeps one.
 */
function pageOf(dialect: Dialect, caller: UserCaller, listing: ExecutionListing): SQL {
  const parts =
    listing.workflowId === undefined
      ? [
          ownedPart(dialect, caller, listing),
          sharedPart(dialect, caller, listing),
          startedPart(dialect, caller, listing),
          ...(caller.mayAdminister ? [everyonesPart(dialect, caller, listing)] : []),
        ]
      : [ofWorkflow(dialect, caller, listing.workflowId, listing), startedPart(dialect, caller, listing)]
  return sql.join(
    parts.map((part, position) => sql`select * from (${part}) ${sql.raw(`part_${position}`)}`),
    sql` union `,
  )
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

const byWorkflow = 'executions_workflow_id_created_at_id_index'

function ofWorkflow(dialect: Dialect, caller: UserCaller, workflowId: string, listing: ExecutionListing): SQL {
  const { executions, workflows } = dialect.tables
  return dialect.reach.through({
    ...pagePart(dialect, listing),
    parents: [workflows],
    parentWhere: all(eq(workflows.id, workflowId), mayOnWorkflow(dialect, caller, workflows, 'view')),
    belongs: eq(executions.workflowId, workflows.id),
    index: byWorkflow,
    where: filters(dialect, listing),
  })
}

function ownedPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing): SQL {
  const { executions, workflows } = dialect.tables
  return dialect.reach.through({
    ...pagePart(dialect, listing),
    parents: [workflows],
    parentWhere: eq(workflows.ownerId, caller.userId),
    belongs: eq(executions.workflowId, workflows.id),
    index: byWorkflow,
    where: filters(dialect, listing),
  })
}

function sharedPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing): SQL {
  const { executions, workflowShares } = dialect.tables
  return dialect.reach.through({
    ...pagePart(dialect, listing),
    parents: [workflowShares],
    parentWhere: eq(workflowShares.sharedWithUserId, caller.userId),
    belongs: eq(executions.workflowId, workflowShares.workflowId),
    index: byWorkflow,
    where: filters(dialect, listing),
  })
}

function startedPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing): SQL {
  const { executions, users } = dialect.tables
  const { workflowId } = listing
  return dialect.reach.through({
    ...pagePart(dialect, listing),
    parents: [users],
    parentWhere: eq(users.id, caller.userId),
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

function filters(dialect: Dialect, { statuses, since, until, after }: ExecutionListing): SQL {
  const { createdAt, id, status } = dialect.tables.executions
  return all(
    sql`1 = 1`,
    statuses.length === 0 ? undefined : inArray(status, [...statuses]),
    since === undefined ? undefined : gte(createdAt, since),
    until === undefined ? undefined : lt(createdAt, until),
    // The first condition alone bounds the index; MySQL bounds none by a comparison of pairs.
    after === undefined ? undefined : and(lte(createdAt, after.at), or(lt(createdAt, after.at), lt(id, after.id))),
  )
}
