import type { ClaimedExecution, ExecutionError, Report } from '../contract.ts'
import { ProblemError } from '../errors.ts'
import { aborted, pause } from '../exchange/waiting.ts'
import type { JsonText } from '../json-text.ts'
import type { Handler, Outcome, WorkOptions, WorkRoutes } from './contract.ts'
import { isFinal, type Lease } from './lease.ts'

export interface Run {
  readonly execution: ClaimedExecution
  readonly lease: Lease
  readonly options: WorkOptions
  readonly stopping: AbortSignal
}

type Ending = Omit<Report, 'fence'> & { readonly status: Outcome['status'] }

/** A report is worth trying for so long, whatever is left of the lease: until another claim the fence still holds. */
const leastReportMilliseconds = 5000

const gracePeriodMilliseconds = 10_000

/** Works one execution and reports it, once, while the lease is held. Never rejects. */
export async function run(routes: WorkRoutes, handler: Handler, running: Run): Promise<void> {
  const { execution, lease, options } = running
  try {
    const ending = await handled(routes, handler, running)
    const leftMilliseconds = await lease.letGo()
    lease.lost.throwIfAborted()
    const deadlineMilliseconds = Math.max(leftMilliseconds, leastReportMilliseconds)
    const status = await report(routes, execution, ending, deadlineMilliseconds)
    options.onEvent?.({ kind: 'reported', execution, status })
  } catch (cause) {
    await lease.letGo()
    options.onEvent?.({ kind: 'lost', execution, cause })
  }
}

/** How the handler says that it ends. Rejects with the lease's end, whatever the handler made of it. */
async function handled(routes: WorkRoutes, handler: Handler, running: Run): Promise<Ending> {
  const { execution, lease, options, stopping } = running
  const over = new AbortController()
  const working = {
    signal: lease.signal,
    async save(state: JsonText) {
      lease.lost.throwIfAborted()
      over.signal.throwIfAborted()
      await save(routes, execution, lease, state)
    },
  }
  const grace = options.graceMilliseconds ?? gracePeriodMilliseconds
  try {
    const outcome = await Promise.race([start(handler, execution, working), tooSlow(lease.signal, grace, over.signal)])
    return outcome ?? { status: 'completed' }
  } catch (thrown) {
    lease.lost.throwIfAborted()
    return stopping.aborted ? givenBack : { status: 'failed', error: errorOf(thrown) }
  } finally {
    over.abort(new Error('The execution was reported already.'))
  }
}

/** A handler that throws before it has a promise to give is one that rejects. */
async function start(...[handler, ...given]: [Handler, ...Parameters<Handler>]): Promise<Outcome | undefined> {
  return (await handler(...given)) ?? undefined
}

const givenBack: Ending = {
  status: 'pending',
  // What it fails with where its attempts are used up.
  error: { code: 'worker_stopped', message: 'The worker was stopped before the execution was through.' },
}

/** Rejects when the handler goes on for so long after its signal was aborted. */
async function tooSlow(signal: AbortSignal, milliseconds: number, over: AbortSignal): Promise<never> {
  await aborted(signal)
  await pause(milliseconds, over)
  throw new Error(`The handler went on for ${milliseconds} ms after its signal was aborted.`)
}

async function save(routes: WorkRoutes, { id, fence }: ClaimedExecution, lease: Lease, state: JsonText): Promise<void> {
  try {
    await routes.report(id, { fence, state }, { signal: lease.lost })
  } catch (error) {
    if (isFinal(error)) lease.lose('another worker has it, or it was cancelled.', error)
    lease.lost.throwIfAborted()
    throw error
  }
}

/** What the service cannot keep, a state too large or with U+0000 in it, fails the execution: a retry would end so too. */
async function report(
  routes: WorkRoutes,
  { id, fence }: ClaimedExecution,
  ending: Ending,
  deadlineMilliseconds: number,
): Promise<Outcome['status']> {
  try {
    await routes.report(id, { ...ending, fence }, { deadlineMilliseconds })
    return ending.status
  } catch (error) {
    if (!(error instanceof ProblemError) || (error.status !== 413 && error.status !== 422)) throw error
    await routes.report(id, { fence, status: 'failed', error: errorOf(error) }, { deadlineMilliseconds })
    return 'failed'
  }
}

/** What a handler threw, as an execution keeps it. */
function errorOf(thrown: unknown): ExecutionError {
  const { code, name } = thrown instanceof Error ? namesOf(thrown) : { code: undefined, name: 'Error' }
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return { code: code ?? name, message: keepable(message) }
}

function namesOf(error: Error): { readonly code: string | undefined; readonly name: string } {
  const code = 'code' in error && typeof error.code === 'string' ? keepable(error.code) : undefined
  return { code, name: keepable(error.name) }
}

/** Without what a document may not hold. */
function keepable(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD')
}
