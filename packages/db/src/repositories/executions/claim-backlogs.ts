import type { Store } from '../../store/store.ts'

/** What of a claimed execution says whether more of its workflow wait. */
interface ClaimedOf {
  readonly workflowId: string | null
  readonly hasBacklog: number | null
}

/** Beyond so many callers all are forgotten. */
const mostCallers = 1000

const rememberedMilliseconds = 60_000

interface Known {
  readonly workflowIds: readonly string[]
  readonly at: number
}

const knownByScope = new WeakMap<object, Map<string, Known>>()

/**
 * Workflows of which a caller's claims have just been given something and left much: a claim reaches these one by one. A
 * hint alone: it reaches all others as well, and each under its whole condition. Undefined where nothing is known.
 */
export function backlogsOf({ memory, dialect }: Store, userId: string): readonly string[] | undefined {
  if (memory === undefined || dialect.reach.many === undefined) return []
  const known = knownByScope.get(memory)?.get(userId)
  return known === undefined || Date.now() - known.at > rememberedMilliseconds ? undefined : known.workflowIds
}

/** Remembers what a claim without names was given, the latest first. */
export function noteBacklogs(store: Store, userId: string, rows: readonly ClaimedOf[]): void {
  const { memory, dialect } = store
  const { many } = dialect.reach
  if (memory === undefined || many === undefined) return
  const known = knownByScope.get(memory) ?? new Map<string, Known>()
  knownByScope.set(memory, known)
  const given = rows.flatMap(({ workflowId, hasBacklog }) => (workflowId === null ? [] : [{ workflowId, hasBacklog }]))
  const large = given.filter(({ hasBacklog }) => hasBacklog === 1).map(({ workflowId }) => workflowId)
  const small = new Set(given.filter(({ hasBacklog }) => hasBacklog !== 1).map(({ workflowId }) => workflowId))
  const earlier = (backlogsOf(store, userId) ?? []).filter((workflowId) => given.length > 0 && !small.has(workflowId))
  const workflowIds = [...new Set([...large, ...earlier])].slice(0, many.mostConstant)
  if (known.size >= mostCallers) known.clear()
  known.set(userId, { workflowIds, at: Date.now() })
}
