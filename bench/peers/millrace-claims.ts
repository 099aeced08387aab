import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { UserCaller } from '@millrace/db/access/access'
import { claimExecutions, type ClaimedExecution } from '@millrace/db/repositories/executions/claim'
import type { Store } from '@millrace/db/store/store'

/** As long as pg-boss lets a job be active: what the bench has taken is not due again while it runs. */
const leaseMilliseconds = 900_000
/** As many as the others keep. The default keeps five, and opens and closes the ones beyond as they are needed. */
export const connections = 15

/** Workers that take executions of a workflow until none is left, or the time is over. */
export interface Claiming {
  readonly workflowId: string
  readonly milliseconds: number
  /** One for each worker. */
  readonly callers: readonly UserCaller[]
}

/** Ids of all that was taken. */
export async function claimAll(
  store: Store,
  { workflowId, milliseconds, callers }: Claiming,
): Promise<readonly string[]> {
  const taken: string[] = []
  const until = performance.now() + milliseconds
  const worker = async (caller: UserCaller) => {
    while (performance.now() < until) {
      const claimed = await claimOne(store, caller, workflowId)
      if (claimed === undefined) return
      taken.push(claimed.id)
    }
  }
  await Promise.all(callers.map(worker))
  return taken
}

export async function claimOne(
  store: Store,
  caller: UserCaller,
  workflowId: string,
): Promise<ClaimedExecution | undefined> {
  const at = new Date()
  const leaseUntil = new Date(at.getTime() + leaseMilliseconds)
  const claim = { operation: randomUUID(), worker: 'bench', limit: 1, at, leaseUntil, workflowIds: [workflowId] }
  const claimed = await claimExecutions(store, caller, claim)
  if (!claimed.ok || !('items' in claimed.value)) throw new Error('a claim of the bench was refused')
  return claimed.value.items[0]
}

/** Starts processes that claim as they are told ({@link claimAmong}), each with its share of the connections. */
export function startClaimers(url: string, count: number): Promise<readonly ChildProcess[]> {
  const starting = Array.from({ length: count }, async () => {
    const pool = `?pool_size=${Math.ceil(connections / count)}&max_overflow=0`
    const child = fork(join(import.meta.dirname, 'millrace-claimer.ts'), [`${url}${pool}`], {
      serialization: 'advanced',
    })
    await once(child, 'message')
    return child
  })
  return Promise.all(starting)
}

/** The workers are dealt among the processes. */
export async function claimAmong(children: readonly ChildProcess[], claiming: Claiming): Promise<readonly string[]> {
  const taking = children.map(async (child, place) => {
    const callers = claiming.callers.filter((_, worker) => worker % children.length === place)
    child.send({ ...claiming, callers })
    const [taken] = (await once(child, 'message')) as readonly unknown[]
    return taken as readonly string[]
  })
  return (await Promise.all(taking)).flat()
}

export async function endClaimer(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.disconnect()
  await exited
}
