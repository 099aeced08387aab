import type { Store } from '../../store/store.ts'
import type { ClaimedRow } from './claim-answer.ts'

/** Beyond so many workflows all are forgotten. */
const mostWorkflows = 1000

/** How long a workflow is claimed from as any other, after something else was due beside what is plain. */
const pauseMilliseconds = 1000

/** By workflow, from when on its next claim may look for what is plain alone. */
const plainFromByScope = new WeakMap<object, Map<string, number>>()

/**
 * Whether the claims of this process or isolate have been given executions of the workflow that were due since their
 * creation and had no lease. A hint alone: what follows it looks for all else that is due, and gives nothing where it
 * finds any.
 */
export function isPlain({ memory }: Store, workflowId: string): boolean {
  const plainFrom = memory === undefined ? undefined : plainFromByScope.get(memory)?.get(workflowId)
  return plainFrom !== undefined && plainFrom <= Date.now()
}

/**
 * Remembers what a claim was given that looked for everything.
 * @param wasPlain That before it one looked for what is plain alone, and was given nothing.
 */
export function notePlain({ memory }: Store, workflowId: string, rows: readonly ClaimedRow[], wasPlain: boolean): void {
  if (memory === undefined) return
  const known = plainFromByScope.get(memory) ?? new Map<string, number>()
  plainFromByScope.set(memory, known)
  if (known.size >= mostWorkflows) known.clear()
  const given = rows.filter(({ id }) => id !== null)
  const now = Date.now()
  if (wasPlain && given.length > 0) known.set(workflowId, now + pauseMilliseconds)
  // While it pauses it does so whatever is given: in a queue of both kinds every other claim would be two statements.
  else if ((known.get(workflowId) ?? 0) > now) return
  else if (given.some(isOfPlain)) known.set(workflowId, now)
  else known.delete(workflowId)
}

/** `operation:1x` is of one that had lost its lease. */
function isOfPlain({ dueAt, lastOp }: ClaimedRow): boolean {
  return dueAt === null && lastOp?.endsWith('x') === false
}
