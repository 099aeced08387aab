import { eq, gte, inArray, lt, sql, type SQL } from 'drizzle-orm'
import {
  all,
  done,
  isThisCaller,
  standingOf,
  type Outcome,
  type StandingRow,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'
import { isJoined } from '../../sql/joined.ts'
import { buildQuery } from '../../sql/building.ts'
import type { Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { summaryFields, summaryOf, type ExecutionSummary } from './executions.ts'
import { mayOnWorkflow } from '../../access/conditions.ts'
import { fromCaller } from '../../access/reads.ts'
import { type Keyset, isBehind } from '../../sql/keyset.ts'
import { type Cut, cutOf, bytesOf } from '../../sql/page-bytes.ts'
import { sizedPage } from '../../access/pages.ts'

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
): Promise<Outcome<Cut<ExecutionSummary>>> {
  const found = await store.read(listQuery(store.dialect, caller, listing))
  const standing = standingOf(caller, found[0])
  if (!standing.ok) return standing
  const { rows, isCut } = cutOf(found)
  return done({ rows: rows.filter(isJoined<ExecutionSummary>('id')).map(summaryOf), isCut })
}

type ListRow = StandingRow & { readonly [Name in keyof ExecutionSummary]: ExecutionSummary[Name] | null } & {
  readonly isTooMuch: number | null
}

/** The query of a list, for its plan. */
export function listQuery(dialect: Dialect, caller: UserCaller, listing: ExecutionListing): Query<ListRow> {
  const { executions, workflows } = dialect.tables
  const { isTooMuch, joins } = sizedPage({
    rows: sql`select ids.id, ids.created_at, ${bytesOf(dialect, [executions.error])} as bytes from (${pageOf(dialect, caller, listing)}) ids inner join ${executions} on ${executions.id} = ids.id order by ids.created_at desc, ids.id desc limit ${sql.raw(String(listing.limit + 1))}`,
    order: sql`sized.created_at desc, sized.id desc`,
    table: executions,
    id: executions.id,
  })
  return buildQuery(
    fromCaller(dialect, isThisCaller(dialect, caller), {
      fields: { ...summaryFields(dialect), isTooMuch },
      joins: [...joins, [workflows, eq(workflows.id, executions.workflowId)]],
      orderBy: [sql`page.created_at desc`, sql`page.id desc`],
    }),
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
    isBehind({ at: createdAt, id }, after),
  )
}
