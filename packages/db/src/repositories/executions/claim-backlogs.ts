import { and, eq, sql } from 'drizzle-orm'
import type { UserCaller } from '../../access/access.ts'
import { defineQuery } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'
import type { Claim } from './claim-shape.ts'

/** Beyond so many callers all are forgotten. */
const mostCallers = 1000

const rememberedMilliseconds = 60_000

interface Known {
  readonly workflowIds: readonly string[]
  readonly at: number
}

const knownByScope = new WeakMap<object, Map<string, Known>>()

/**
 * Workflows of the caller, among those that a claim is for, of which a join should not read all that is pending: the
 * claim reaches these one by one. Asked for once a minute. A hint alone: the claim reaches all others as well, and each
 * under its whole condition. None where the dialect needs no such hint, and of a claim that names few workflows.
 */
export async function backlogsOf(
  store: Store,
  { userId }: UserCaller,
  { workflowIds }: Claim,
): Promise<readonly string[]> {
  const { memory, dialect } = store
  const { many } = dialect.reach
  if (memory === undefined || many === undefined) return []
  if (workflowIds !== undefined && workflowIds.length <= many.mostConstant) return []
  const known = knownByScope.get(memory) ?? new Map<string, Known>()
  knownByScope.set(memory, known)
  const remembered = known.get(userId)
  if (remembered !== undefined && Date.now() - remembered.at <= rememberedMilliseconds) {
    return wantedOf(remembered, workflowIds)
  }
  const rows = await store.read(backlogsQuery(dialect, { userId }))
  const found = { workflowIds: rows.map(({ id }) => id), at: Date.now() }
  if (known.size >= mostCallers) known.clear()
  known.set(userId, found)
  return wantedOf(found, workflowIds)
}

function wantedOf(known: Known, workflowIds: Claim['workflowIds']): readonly string[] {
  return workflowIds === undefined ? known.workflowIds : known.workflowIds.filter((id) => workflowIds.includes(id))
}

const backlogsQuery = defineQuery<{ readonly userId: string }>()((dialect, bind) => {
  const { workflows } = dialect.tables
  const { many } = dialect.reach
  if (many === undefined) throw new TypeError('this dialect reaches all workflows at once')
  return dialect.builder
    .select({ id: workflows.id })
    .from(workflows)
    .where(and(eq(workflows.ownerId, bind('userId', workflows.ownerId)), many.hasBacklog(sql`${workflows.id}`)))
    .limit(many.mostBacklogs)
})
