import { and, desc, eq, exists, gte, inArray, lt, lte, or, sql, type SQL } from 'drizzle-orm'
import {
  done,
  isAnchor,
  isThisCaller,
  mayOnWorkflow,
  standingFields,
  standingOf,
  type Outcome,
  type StandingRow,
  type UserCaller,
} from '../access.ts'
import type { Dialect } from '../dialect.ts'
import type { ExecutionStatus } from '../schema.ts'
import { buildQuery, type Query } from '../statement.ts'
import type { Store } from '../store.ts'
import { isWholeSummary, summaryFields, summaryOf, type ExecutionSummary } from './executions.ts'
import type { Keyset } from './workflows.ts'

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
  const page = pageOf(dialect, caller, listing)
  return buildQuery(
    builder
      .select({ ...standingFields(dialect), ...summaryFields(dialect) })
      .from(marks)
      .leftJoin(users, isThisCaller(dialect, caller))
      .leftJoin(page, sql`1 = 1`)
      .leftJoin(executions, eq(executions.id, page.id))
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
function pageOf(dialect: Dialect, caller: UserCaller, listing: ExecutionListing) {
  const { builder } = dialect
  if (listing.workflowId !== undefined) {
    const visible = ofWorkflow(dialect, caller, listing.workflowId, listing).as('of_workflow')
    const started = startedPart(dialect, caller, listing).as('started')
    return builder.select().from(visible).union(builder.select().from(started)).as('page')
  }
  const owned = ownedPart(dialect, caller, listing).as('owned')
  const shared = sharedPart(dialect, caller, listing).as('shared')
  const started = startedPart(dialect, caller, listing).as('started')
  const visible = builder
    .select()
    .from(owned)
    .union(builder.select().from(shared))
    .union(builder.select().from(started))
  if (!caller.mayAdminister) return visible.as('page')
  const everyones = everyonesPart(dialect, caller, listing).as('everyones')
  return visible.union(builder.select().from(everyones)).as('page')
}

function keyFields({ tables: { executions } }: Dialect) {
  return { id: executions.id, createdAt: executions.createdAt }
}

function ofWorkflow(dialect: Dialect, caller: UserCaller, workflowId: string, listing: ExecutionListing) {
  const { builder, tables } = dialect
  const { executions, workflows } = tables
  const visible = builder
    .select({ one: sql`1` })
    .from(workflows)
    .where(and(eq(workflows.id, workflowId), mayOnWorkflow(dialect, caller, workflows, 'view')))
  return builder
    .select(keyFields(dialect))
    .from(executions)
    .where(and(eq(executions.workflowId, workflowId), exists(visible), filters(dialect, listing)))
    .orderBy(desc(executions.createdAt), desc(executions.id))
    .limit(listing.limit + 1)
}

function ownedPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing) {
  const { builder, tables } = dialect
  const { executions, workflows } = tables
  return builder
    .select(keyFields(dialect))
    .from(workflows)
    .innerJoin(executions, eq(executions.workflowId, workflows.id))
    .where(and(eq(workflows.ownerId, caller.userId), filters(dialect, listing)))
    .orderBy(desc(executions.createdAt), desc(executions.id))
    .limit(listing.limit + 1)
}

function sharedPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing) {
  const { builder, tables } = dialect
  const { executions, workflowShares } = tables
  return builder
    .select(keyFields(dialect))
    .from(workflowShares)
    .innerJoin(executions, eq(executions.workflowId, workflowShares.workflowId))
    .where(and(eq(workflowShares.sharedWithUserId, caller.userId), filters(dialect, listing)))
    .orderBy(desc(executions.createdAt), desc(executions.id))
    .limit(listing.limit + 1)
}

function startedPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing) {
  const { builder, tables } = dialect
  const { executions } = tables
  const { workflowId } = listing
  return builder
    .select(keyFields(dialect))
    .from(executions)
    .where(
      and(
        eq(executions.userId, caller.userId),
        workflowId === undefined ? undefined : eq(executions.workflowId, workflowId),
        filters(dialect, listing),
      ),
    )
    .orderBy(desc(executions.createdAt), desc(executions.id))
    .limit(listing.limit + 1)
}

/** All of them, for administrators: begins with the caller's row, so that others read nothing. */
function everyonesPart(dialect: Dialect, caller: UserCaller, listing: ExecutionListing) {
  const { builder, tables } = dialect
  const { executions, users } = tables
  return builder
    .select(keyFields(dialect))
    .from(users)
    .innerJoin(executions, sql`1 = 1`)
    .where(and(eq(users.id, caller.userId), eq(users.role, 'admin'), filters(dialect, listing)))
    .orderBy(desc(executions.createdAt), desc(executions.id))
    .limit(listing.limit + 1)
}

function filters(dialect: Dialect, { statuses, since, until, after }: ExecutionListing): SQL | undefined {
  const { createdAt, id, status } = dialect.tables.executions
  return and(
    statuses.length === 0 ? undefined : inArray(status, [...statuses]),
    since === undefined ? undefined : gte(createdAt, since),
    until === undefined ? undefined : lt(createdAt, until),
    // The first condition alone bounds the index; MySQL bounds none by a comparison of pairs.
    after === undefined ? undefined : and(lte(createdAt, after.at), or(lt(createdAt, after.at), lt(id, after.id))),
  )
}
