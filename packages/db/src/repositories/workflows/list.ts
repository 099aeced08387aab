import { and, eq, gte, isNull, lt, lte, or, sql, type SQL, not } from 'drizzle-orm'
import {
  callerIdOf,
  callerInput,
  done,
  isCaller,
  permissionOf,
  standingOf,
  type Caller,
  type CallerInput,
  type Outcome,
} from '../../access/access.ts'
import { nameKey } from '../../schema/names.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { defineShapedQuery, type Bind } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'
import { summaryFields, type WorkflowSummary, summaryOf } from './workflows.ts'
import { fromCaller } from '../../access/reads.ts'
import type { Keyset } from '../../sql/keyset.ts'
import { type Cut, cutOf, bytesOf } from '../../sql/page-bytes.ts'
import { isJoined } from '../../sql/joined.ts'
import { sizedPage } from '../../access/pages.ts'

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
): Promise<Outcome<Cut<WorkflowSummary>>> {
  const found = await store.read(listQuery(store.dialect, caller, listing))
  const standing = standingOf(caller, found[0])
  if (!standing.ok) return standing
  const { rows, isCut } = cutOf(found)
  const summaries = rows
    .filter(isJoined<Omit<WorkflowSummary, 'permission'>>('id'))
    .map((row) => summaryOf(row, permissionOf(caller, standing.value, row) ?? 'view'))
  return done({ rows: summaries, isCut })
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
  if (limit >= mostRows) throw new RangeError(`a page has less than ${mostRows} workflows`)
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
  const { workflows, workflowShares } = dialect.tables
  const { isTooMuch, joins } = sizedPage({
    rows: pageOf(dialect, bind, shape),
    order: sql`sized.listed_at desc, sized.id desc`,
    table: workflows,
    id: workflows.id,
  })
  const isShare = and(eq(workflowShares.workflowId, workflows.id), isSharedWithCaller(dialect, bind))
  return fromCaller(dialect, isCaller(dialect, bind), {
    fields: { ...summaryFields(dialect), sharePermission: workflowShares.permission, isTooMuch },
    joins: [...joins, [workflowShares, isShare]],
    orderBy: [sql`page.listed_at desc`, sql`page.id desc`],
  })
})

const rowsPlace = sql.placeholder('rows')
/** More than any page has. */
const mostRows = 1000

function isSharedWithCaller({ tables: { workflowShares } }: Dialect, bind: BindListing): SQL {
  return eq(workflowShares.sharedWithUserId, bind('ownId', workflowShares.sharedWithUserId))
}

/** Each part is served by one index and cut to a page before the parts are joined. */
function pageOf(dialect: Dialect, bind: BindListing, shape: ListingShape): SQL {
  const { workflows, workflowShares } = dialect.tables
  const isOwn = eq(workflows.ownerId, bind('ownId', workflows.ownerId))
  const part = (from: SQL, condition: SQL | undefined) => {
    const where = and(condition, filters(dialect, bind, shape))
    const listedAt = workflows[shape.order]
    const rows = sql`select ${workflows.id} as id, ${listedAt} as listed_at, ${bytesOf(dialect, [workflows.description])} as bytes from ${from} where ${where} order by ${listedAt} desc, ${workflows.id} desc`
    return dialect.reach.first(rows, sql`${rowsPlace}`, mostRows)
  }
  const owned = part(sql`${workflows}`, isOwn)
  const shared = part(
    sql`${workflowShares} inner join ${workflows} on ${workflows.id} = ${workflowShares.workflowId}`,
    // A share to the owner itself, as adopted databases may have it, is shown once.
    and(isSharedWithCaller(dialect, bind), or(isNull(workflows.ownerId), not(isOwn))),
  )
  switch (shape.scope) {
    case 'owned':
      return owned
    case 'shared':
      return shared
    case 'public':
      return part(sql`${workflows}`, eq(workflows.isPublic, true))
    case 'all':
      return sql`select * from (${owned}) owned union all select * from (${shared}) shared order by listed_at desc, id desc limit ${rowsPlace}`
  }
}

function filters(dialect: Dialect, bind: BindListing, { has, order }: ListingShape): SQL | undefined {
  const { workflows } = dialect.tables
  const time = workflows[order]
  const afterAt = bind('afterAt', time)
  return and(
    has.q ? dialect.contains(workflows.nameKey, bind('q')) : undefined,
    has.updatedSince ? gte(workflows.updatedAt, bind('updatedSince', workflows.updatedAt)) : undefined,
    has.after
      ? and(lte(time, afterAt), or(lt(time, afterAt), lt(workflows.id, bind('afterId', workflows.id))))
      : undefined,
  )
}
