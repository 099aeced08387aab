import { and, desc, eq, gte, isNull, lt, lte, ne, or, sql, type SQL } from 'drizzle-orm'
import {
  callerIdOf,
  callerInput,
  done,
  isAnchor,
  isCaller,
  permissionOf,
  standingFields,
  standingOf,
  type Caller,
  type CallerInput,
  type Outcome,
} from '../../access/access.ts'
import { nameKey } from '../../schema/names.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { defineShapedQuery, type Bind } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { summaryFields, type Keyset, type WorkflowSummary } from './workflows.ts'

export type WorkflowScope = 'owned' | 'shared' | 'public' | 'all'
export type WorkflowOrder = 'createdAt' | 'updatedAt'

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
