import { eq, sql } from 'drizzle-orm'
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
import { hasTooMany, headsSelect, manyIds, pageOf, type ExecutionListing, type Reached } from './list-parts.ts'

export type { ExecutionListing } from './list-parts.ts'

/** A page of the executions that the caller may see, newest first, and one row more where there are more. */
export async function listExecutions(
  store: Store,
  caller: UserCaller,
  listing: ExecutionListing,
): Promise<Outcome<Cut<ExecutionSummary>>> {
  const { dialect } = store
  const { many } = dialect.reach
  const limits = many !== undefined && listing.workflowId === undefined ? many : undefined
  const found = await store.read(listQuery(dialect, caller, listing, { kind: 'all', limits }))
  const standing = standingOf(caller, found[0])
  if (!standing.ok) return standing
  const ids = found.flatMap(({ manyId }) => manyId ?? [])
  if (limits === undefined || ids.length === 0) return pageOfRows(found)
  return pageOfMany(store, caller, listing, { many: limits, ids: [...new Set(ids)] })
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
}

/** The query of a list, for its plan. */
export function listQuery(
  dialect: Dialect,
  caller: UserCaller,
  listing: ExecutionListing,
  reached: Reached = { kind: 'all' },
): Query<ListRow> {
  const { executions, workflows } = dialect.tables
  const many = reached.kind === 'all' ? reached.limits : undefined
  const isTooMany = many && hasTooMany(dialect, caller, listing, many)
  const isWhole = isTooMany === undefined ? sql`` : sql` where not (${isTooMany})`
  const { isTooMuch, joins } = sizedPage({
    rows: sql`select ids.id, ids.created_at, ${bytesOf(dialect, [executions.error])} as bytes from (${pageOf(dialect, caller, listing, reached)}) ids inner join ${executions} on ${executions.id} = ids.id${isWhole} order by ids.created_at desc, ids.id desc limit ${sql.raw(String(listing.limit + 1))}`,
    order: sql`sized.created_at desc, sized.id desc`,
    table: executions,
    id: executions.id,
  })
  const ofMany: readonly Join[] =
    many === undefined || isTooMany === undefined
      ? []
      : [[sql`(${manyIds(dialect, caller, listing, { many, isTooMany })}) many`, sql`1 = 1`]]
  return buildQuery(
    fromCaller(dialect, isThisCaller(dialect, caller), {
      fields: {
        ...summaryFields(dialect),
        isTooMuch,
        pageAt: sql<Date | null>`page.created_at`.mapWith(executions.createdAt),
        manyId: sql<string | null>`${isTooMany === undefined ? sql`null` : sql`many.id`}`.mapWith(String),
      },
      joins: [...joins, [workflows, eq(workflows.id, executions.workflowId)], ...ofMany],
      orderBy: [sql`page.created_at desc`, sql`page.id desc`],
    }),
  )
}
