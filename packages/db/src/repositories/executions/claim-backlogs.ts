import { and, eq, sql, type SQL } from 'drizzle-orm'
import type { UserCaller } from '../../access/access.ts'
import { defineQuery } from '../../sql/building.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { Store } from '../../store/store.ts'
import type { Claim, ClaimBind } from './claim-shape.ts'

/** Beyond so many callers all are forgotten. */
const mostCallers = 1000

const rememberedMilliseconds = 60_000

interface Known {
  readonly workflowIds: readonly string[]
  readonly at: number
}

/** By caller; `failed` after a claim that was to tell them: it may have read too much. */
const knownByScope = new WeakMap<object, Map<string, Known | 'failed'>>()

export interface Backlogs {
  /** Undefined of a caller of whom nothing is known. */
  readonly workflowIds: readonly string[] | undefined
  /** Whether the claim's answer is to tell which there are now. */
  readonly areAskedFor: boolean
}

const none: Backlogs = { workflowIds: [], areAskedFor: false }

/**
 * Workflows of the caller, among those that a claim is for, of which a join should not read all that is pending: the
 * claim reaches these one by one. A claim's answer tells of them once a minute; after one that failed they are looked for
 * before the next. A hint alone: the claim reaches all others as well, and each under its whole condition. None where the
 * dialect needs no such hint, and of a claim that names few workflows.
 */
export async function backlogsOf(store: Store, { userId }: UserCaller, { workflowIds }: Claim): Promise<Backlogs> {
  const { memory, dialect } = store
  const { many } = dialect.reach
  if (memory === undefined || many === undefined) return none
  if (workflowIds !== undefined && workflowIds.length <= many.mostConstant) return none
  const known = knownByScope.get(memory)?.get(userId)
  if (known === undefined) return { workflowIds: undefined, areAskedFor: true }
  if (known !== 'failed') {
    const isOld = Date.now() - known.at > rememberedMilliseconds
    return { workflowIds: wantedOf(known.workflowIds, workflowIds), areAskedFor: isOld }
  }
  const found = (await store.read(backlogsQuery(dialect, { userId }))).map(({ id }) => id)
  remember(memory, userId, { workflowIds: found, at: Date.now() })
  return { workflowIds: wantedOf(found, workflowIds), areAskedFor: false }
}

/** Remembers what the answer of a claim told, a JSON array of ids or null; nothing where it did not tell. */
export function noteBacklogs({ memory }: Store, { userId }: UserCaller, told: string | null | undefined): void {
  if (memory === undefined || told === undefined) return
  const ids: unknown = JSON.parse(told ?? '[]')
  remember(memory, userId, { workflowIds: Array.isArray(ids) ? ids.map(String) : [], at: Date.now() })
}

/** A claim that was to tell of them has failed. */
export function noteFailedClaim({ memory }: Store, { userId }: UserCaller): void {
  if (memory !== undefined) remember(memory, userId, 'failed')
}

function remember(memory: object, userId: string, known: Known | 'failed'): void {
  const byCaller = knownByScope.get(memory) ?? new Map<string, Known | 'failed'>()
  knownByScope.set(memory, byCaller)
  if (byCaller.size >= mostCallers) byCaller.clear()
  byCaller.set(userId, known)
}

function wantedOf(backlogs: readonly string[], workflowIds: Claim['workflowIds']): readonly string[] {
  return workflowIds === undefined ? backlogs : backlogs.filter((id) => workflowIds.includes(id))
}

/** For an answer: the ids as a JSON array, null where there are none. */
export function toldBacklogs(dialect: Dialect, bind: ClaimBind): SQL<string | null> {
  const found = backlogsOfCaller(dialect, bind('userId', dialect.tables.workflows.ownerId))
  return sql<string | null>`(select cast(json_arrayagg(found.id) as char) from (${found.getSQL()}) found)`
}

const backlogsQuery = defineQuery<{ readonly userId: string }>()((dialect, bind) =>
  backlogsOfCaller(dialect, bind('userId', dialect.tables.workflows.ownerId)),
)

function backlogsOfCaller(dialect: Dialect, userId: SQL) {
  const { workflows } = dialect.tables
  const { many } = dialect.reach
  if (many === undefined) throw new TypeError('this dialect reaches all workflows at once')
  return dialect.builder
    .select({ id: workflows.id })
    .from(workflows)
    .where(and(eq(workflows.ownerId, userId), many.hasBacklog(sql`${workflows.id}`)))
    .limit(many.mostBacklogs)
}
