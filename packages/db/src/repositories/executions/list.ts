import { eq, sql, type SQL } from 'drizzle-orm'
import { done, isThisCaller, standingOf, type Outcome, type StandingRow, type UserCaller } from '../../access/access.ts'
import { sizedPage } from '../../access/pages.ts'
import { fromCaller, type Join } from '../../access/reads.ts'
import { buildQuery } from '../../sql/building.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { isJoined } from '../../sql/joined.ts'
import { type Cut, cutOf, bytesOf } from '../../sql/page-bytes.ts'
import type { ManyParents } from '../../sql/reaching.ts'
import type { Query } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { summaryFields, summaryOf, type ExecutionSummary } from './executions.ts'
import { anyOfTooMany } from './list-parents.ts'
import {
  hasTooMany,
  headsSelect,
  manyIds,
  newestUntil,
  pageOf,
  type ExecutionListing,
  type ListLimits,
  type Reached,
} from './list-parts.ts'

export type { ExecutionListing } from './list-parts.ts'

/** A page of the executions that the caller may see, newest first, and one row more where there are more. */
export async function listExecutions(
  store: Store,
  caller: UserCaller,
  listing: ExecutionListing,
): Promise<Outcome<Cut<ExecutionSummary>>> {
  const { dialect } = store
  const { many } = dialect.reach
  const limits = { many, areAllTold: false }
  const isLimited = listing.workflowId === undefined
  const found = await store.read(
    listQuery(dialect, caller, listing, { kind: 'all', limits: isLimited ? limits : undefined }),
  )
  const standing = standingOf(caller, found[0])
  if (!standing.ok) return standing
  const [first] = found
  // With a row it is a page all the same: a join has read the few executions that there are.
  if (first?.isOfThousands === 1 && (many === undefined || first.pageAt === null))
    return pageOfNewest(store, caller, listing)
  return pageOfFound(store, caller, listing, found)
}

/** The page, or of those workflows that were told in its place. */
async function pageOfFound(
  store: Store,
  caller: UserCaller,
  listing: ExecutionListing,
  found: readonly ListRow[],
): Promise<Outcome<Cut<ExecutionSummary>>> {
  const { many } = store.dialect.reach
  const told = found.flatMap(({ manyId, isOfThousands }) => (isOfThousands === 1 ? [] : (manyId ?? [])))
  const ids = [...new Set(told)]
  if (many === undefined || ids.length === 0) return pageOfRows(found)
  return pageOfMany(store, caller, listing, { many, ids })
}

/** Of a caller with so many workflows that even a look at each takes long: of everyone's newest those of the caller. */
async function pageOfNewest(
  store: Store,
  caller: UserCaller,
  listing: ExecutionListing,
): Promise<Outcome<Cut<ExecutionSummary>>> {
  const { dialect } = store
  const { many } = dialect.reach
  const newest = await store.read(listQuery(dialect, caller, listing, { kind: 'newest' }))
  const standing = standingOf(caller, newest[0])
  if (!standing.ok || isWhole(newest, listing.limit + 1)) return standing.ok ? pageOfRows(newest) : standing
  const limits = many && { many, areAllTold: true }
  const found = await store.read(listQuery(dialect, caller, listing, { kind: 'all', limits }))
  const now = standingOf(caller, found[0])
  return now.ok ? pageOfFound(store, caller, listing, found) : now
}

/** Whether nothing that was not looked at belongs on the page: what is of the last one's moment may. */
function isWhole(found: readonly ListRow[], size: number): boolean {
  const until = found[0]?.newestUntil ?? null
  const last = found[size - 1]?.pageAt ?? null
  return until === null || (last !== null && last > until)
}

/** Of a caller whom a join would read too much for: of those workflows alone that the page can be of. */
async function pageOfMany(
  store: Store,
  caller: UserCaller,
  listing: ExecutionListing,
  { many, ids }: { readonly many: ManyParents; readonly ids: readonly string[] },
): Promise<Outcome<Cut<ExecutionSummary>>> {
  const { dialect } = store
  const size = listing.limit + 1
  const areFew = ids.length <= size + spareHeads
  const heads = areFew ? ids.map((workflowId): Head => ({ workflowId })) : await newestHeads(store, many, listing, ids)
  for (const count of [size + spareHeads, size * 4]) {
    const workflowIds = heads.slice(0, count).map(({ workflowId }) => workflowId)
    const next = heads[count]
    const found = await store.read(listQuery(dialect, caller, listing, { kind: 'workflows', many, workflowIds }))
    const standing = standingOf(caller, found[0])
    if (!standing.ok) return standing
    if (next?.at === undefined || isFilledBefore(found, size, next.at)) return pageOfRows(found)
  }
  const found = await store.read(listQuery(dialect, caller, listing, { kind: 'all' }))
  const standing = standingOf(caller, found[0])
  return standing.ok ? pageOfRows(found) : standing
}

interface Head {
  readonly workflowId: string
  /** Of the newest that may be on the page. */
  readonly at?: Date
}

type KnownHead = Required<Head>

/** A head at the cursor's own moment may be before the page, and what it was of may have gone since. */
const spareHeads = 8

/** How many ids a statement names at most. */
const mostIds = 5000

/** Of workflows the newest execution that is not before the page, newest first. */
async function newestHeads(
  store: Store,
  many: ManyParents,
  listing: ExecutionListing,
  ids: readonly string[],
): Promise<readonly KnownHead[]> {
  const { builder, tables } = store.dialect
  const heads: KnownHead[] = []
  for (let start = 0; start < ids.length; start += mostIds) {
    const rows = headsSelect(store.dialect, many, listing, ids.slice(start, start + mostIds))
    const head = sql<Date>`heads.head`.mapWith(tables.executions.createdAt)
    const select = builder
      .select({ workflowId: sql<string>`heads.parent_id`.mapWith(String), at: head })
      .from(sql`(${rows}) heads`)
    heads.push(...(await store.read(buildQuery(select))))
  }
  return heads.toSorted((one, other) => other.at.getTime() - one.at.getTime())
}

/** Whether nothing of a workflow whose newest is of that moment, and of those after it, belongs on the page. */
function isFilledBefore(found: readonly ListRow[], size: number, next: Date): boolean {
  const last = found[size - 1]?.pageAt
  return last !== null && last !== undefined && last >= next
}

function pageOfRows(found: readonly ListRow[]): Outcome<Cut<ExecutionSummary>> {
  const { rows, isCut } = cutOf(found)
  return done({ rows: rows.filter(isJoined<ExecutionSummary>('id')).map(summaryOf), isCut })
}

type ListRow = StandingRow & { readonly [Name in keyof ExecutionSummary]: ExecutionSummary[Name] | null } & {
  readonly isTooMuch: number | null
  readonly pageAt: Date | null
  /** A workflow of a caller who has too many executions for this query; then there are no others. */
  readonly manyId: string | null
  /** 1 of a caller with thousands of workflows: then nothing was read of them, except by a join. */
  readonly isOfThousands: number | null
  /** Of everyone's newest executions the moment of the last one that was looked at, where there are more. */
  readonly newestUntil: Date | null
}

/** The query of a list, for its plan. */
export function listQuery(
  dialect: Dialect,
  caller: UserCaller,
  listing: ExecutionListing,
  reached: Reached = { kind: 'all' },
): Query<ListRow> {
  const { executions, workflows } = dialect.tables
  const { isPage, manyId, isOfThousands, joins: ofMany } = limitsOf(dialect, caller, listing, reached)
  const { isTooMuch, joins } = sizedPage({
    rows: sql`select ids.id, ids.created_at, ${bytesOf(dialect, [executions.error])} as bytes from (${pageOf(dialect, caller, listing, reached)}) ids inner join ${executions} on ${executions.id} = ids.id${isPage} order by ids.created_at desc, ids.id desc limit ${sql.raw(String(listing.limit + 1))}`,
    order: sql`sized.created_at desc, sized.id desc`,
    table: executions,
    id: executions.id,
  })
  const isNewest = reached.kind === 'newest'
  const newest: readonly Join[] = isNewest ? [[sql`(${newestUntil(dialect, listing)}) newest`, sql`1 = 1`]] : []
  return buildQuery(
    fromCaller(dialect, isThisCaller(dialect, caller), {
      fields: {
        ...summaryFields(dialect),
        isTooMuch,
        pageAt: sql<Date | null>`page.created_at`.mapWith(executions.createdAt),
        manyId: sql<string | null>`${manyId}`.mapWith(String),
        isOfThousands: sql<number | null>`${isOfThousands}`.mapWith(Number),
        newestUntil: sql<Date | null>`${isNewest ? sql`newest.until` : sql`null`}`.mapWith(executions.createdAt),
      },
      joins: [...joins, [workflows, eq(workflows.id, executions.workflowId)], ...ofMany, ...newest],
      orderBy: [sql`page.created_at desc`, sql`page.id desc`],
    }),
  )
}

interface LimitsOfList {
  /** Stands behind the page's tables. */
  readonly isPage: SQL
  readonly manyId: SQL
  readonly isOfThousands: SQL
  readonly joins: readonly Join[]
}

function limitsOf(dialect: Dialect, caller: UserCaller, listing: ExecutionListing, reached: Reached): LimitsOfList {
  const limits: ListLimits | undefined = reached.kind === 'all' ? reached.limits : undefined
  const nothing = { isPage: sql``, manyId: sql`null`, isOfThousands: sql`null`, joins: [] }
  if (limits === undefined) return nothing
  const { many, areAllTold } = limits
  if (many === undefined) {
    const isOfThousands = sql`case when ${anyOfTooMany(dialect, caller)} is null then 0 else 1 end`
    return { ...nothing, isOfThousands }
  }
  const isTooMany = hasTooMany(dialect, caller, listing, many)
  const ids = manyIds(dialect, caller, listing, { many, isTooMany, areAllTold })
  return {
    isPage: sql` where not (${isTooMany})`,
    manyId: sql`many.id`,
    isOfThousands: sql`many.of_thousands`,
    joins: [[sql`(${ids}) many`, sql`1 = 1`]],
  }
}
