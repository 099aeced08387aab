import type { Claim, ClaimedExecution } from '../contract.ts'
import { ConnectionError, DeadlineError, ProblemError, UnexpectedAnswerError } from '../errors.ts'
import { aborted, pause } from '../exchange/waiting.ts'
import type { Handler, WorkOptions } from './contract.ts'
import type { WorkRoutes } from './routes.ts'
import { keepLease } from './lease.ts'
import { run } from './run.ts'

/**
 * Claims executions and has them worked, until `signal` is aborted; then resolves, with everything reported or given
 * back. Rejects where claiming is refused for good (a wrong key, a missing scope), after giving back what it has.
 */
export async function work(routes: WorkRoutes, handler: Handler, options: WorkOptions): Promise<void> {
  const { concurrency = 1, leaseSeconds = 60, pollMilliseconds = 1000, signal: stopped, onEvent } = options
  const stopping = new AbortController()
  const stop = (): void => stopping.abort(stopped?.reason)
  if (stopped?.aborted === true) return
  stopped?.addEventListener('abort', stop, { once: true })
  const running = new Set<Promise<void>>()
  try {
    while (!stopping.signal.aborted) {
      const found = running.size < concurrency ? await claimSome(concurrency - running.size) : 0
      if (running.size >= concurrency) await Promise.race([...running, aborted(stopping.signal)])
      else if (found === 0) await rest(pollMilliseconds, stopping.signal)
    }
  } finally {
    stopped?.removeEventListener('abort', stop)
    stopping.abort()
    await Promise.all(running)
  }

  /** Not cut short by the signal: what a claim leased whose answer nobody hears would wait for its lease to end. */
  async function claimSome(free: number): Promise<number> {
    const askedAt = performance.now()
    const { worker, workflowIds } = options
    const claim: Claim = {
      worker,
      limit: Math.min(free, 50),
      leaseSeconds,
      withSteps: true,
      ...(workflowIds === undefined ? {} : { workflowIds: [...workflowIds] }),
    }
    try {
      const claimed = await routes.claim(claim, { deadlineMilliseconds: leaseSeconds * 500 })
      for (const execution of claimed) begin(execution, askedAt)
      return claimed.length
    } catch (cause) {
      if (!mayPass(cause)) throw cause
      onEvent?.({ kind: 'claim_failed', cause })
      return 0
    }
  }

  function begin(execution: ClaimedExecution, askedAt: number): void {
    onEvent?.({ kind: 'claimed', execution })
    const lease = keepLease(routes, execution, { leaseSeconds, askedAt, stopping: stopping.signal })
    const done = run(routes, handler, { execution, lease, options, stopping: stopping.signal }).finally(() =>
      running.delete(done),
    )
    running.add(done)
  }
}

/** Asking again later may be answered: everything but a refusal that someone has to mend. */
function mayPass(cause: unknown): boolean {
  if (cause instanceof ConnectionError || cause instanceof DeadlineError) return true
  if (cause instanceof UnexpectedAnswerError) return cause.status >= 500
  return cause instanceof ProblemError && (cause.status >= 500 || cause.status === 429 || cause.status === 409)
}

/** About so long, so that idle workers don't all ask at once; over at once when the work stops. */
async function rest(milliseconds: number, stopping: AbortSignal): Promise<void> {
  const jittered = milliseconds * (0.75 + Math.random() / 2)
  await Promise.race([aborted(stopping), pause(jittered)])
}
