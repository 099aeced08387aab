import { and, eq, sql, type SQL } from 'drizzle-orm'
import type { UserCaller } from '../../access/access.ts'
import { defineQuery } from '../../sql/building.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { Store } from '../../store/store.ts'
import type { Backlogs, Claim, ClaimBind } from './claim-shape.ts'

/** Beyond so many callers all are forgotten. */
const mostCallers = 1000

const rememberedMilliseconds = 60_000

interface Known {
  readonly workflowIds: readonly string[]
  readonly at: number
  /** A claim has failed since: it may have read too much, and the next one looks before it claims. */
  readonly hasFailed: boolean
}

const knownByScope = new WeakMap<object, Map<string, Known>>()

const none: Backlogs = { workflowIds: [], areAskedFor: false, areUnknown: false }

/**
 * Workflows of the caller, among those that a claim is for, of which a join should not read all that is pending: the
 * claim reaches these one by one. A claim's answer tells of them once a minute. A hint alone: the claim reaches all others
 * as well, and each under its whole condition. None where the dialect needs no such hint, and of a claim that names few
 * workflows.
 */
export async function backlogsOf(store: Store, { userId }: UserCaller, { workflowIds }: Claim): Promise<Backlogs> {
  const { memory, dialect } = store
  const { many } = dialect.reach
  if (memory === undefined || many === undefined) return none
  if (workflowIds !== undefined && workflowIds.length <= many.mostConstant) return none
  const remembered = knownByScope.get(memory)?.get(userId)
  const isOld = remembered !== undefined && Date.now() - remembered.at > rememberedMilliseconds
  if (remembered?.hasFailed === true) {
    const rows = await store.read(backlogsQuery(dialect, { userId }))
    const ids = rows.map(({ id }) => id)
    return { ...none, workflowIds: wantedOf(remember(memory, userId, ids), workflowIds) }
  }
  if (remembered === undefined) return { workflowIds: [], areAskedFor: true, areUnknown: true }
  return { workflowIds: wantedOf(remembered, workflowIds), areAskedFor: isOld, areUnknown: false }
}

/** Remembers what the answer of a claim told, a JSON array of ids. */
export function noteBacklogs({ memory }: Store, { userId }: UserCaller, told: string | null | undefined): void {
  if (memory === undefined || told === undefined) return
  const ids: unknown = JSON.parse(told ?? '[]')
  remember(memory, userId, Array.isArray(ids) ? ids.map(String) : [])
}

/** A claim that was to tell of them has failed. */
export function noteFailedClaim({ memory }: Store, { userId }: UserCaller): void {
  if (memory !== undefined) rememberKnown(memory, userId, { workflowIds: [], at: 0, hasFailed: true })
}

function remember(memory: object, userId: string, workflowIds: readonly string[]): Known {
  return rememberKnown(memory, userId, { workflowIds, at: Date.now(), hasFailed: false })
}

function rememberKnown(memory: object, userId: string, known: Known): Known {
  const byCaller = knownByScope.get(memory) ?? new Map<string, Known>()
  knownByScope.set(memory, byCaller)
  if (byCaller.size >= mostCallers) byCaller.clear()
  byCaller.set(userId, known)
  return known
}

function wantedOf(known: Known, workflowIds: Claim['workflowIds']): readonly string[] {
  return workflowIds === undefined ? known.workflowIds : known.workflowIds.filter((id) => workflowIds.includes(id))
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
