import type { ClaimedExecution, RecordedStep, Report } from '../contract.ts'
import { ProblemError } from '../errors.ts'
import { aborted, pause } from '../exchange/waiting.ts'
import type { JsonText } from '../json-text.ts'
import type { Handler, Outcome, WorkOptions } from './contract.ts'
import type { WorkRoutes } from './routes.ts'
import { createRun } from './durable/run.ts'
import type { Suspension } from './durable/suspension.ts'
import { failureOf } from './failure.ts'
import { isFinal, type HeldLease } from './lease.ts'

export interface Work {
  readonly execution: ClaimedExecution
  readonly lease: HeldLease
  readonly options: WorkOptions
  readonly stopping: AbortSignal
}

type Ending = Omit<Report, 'fence'> & { readonly status: Outcome['status'] }

/** A report is worth trying for so long, whatever is left of the lease: until another claim the fence still holds. */
const leastReportMilliseconds = 5000

const gracePeriodMilliseconds = 10_000

/** Works one execution and reports it, once, while the lease is held. Never rejects. */
export async function run(routes: WorkRoutes, handler: Handler, running: Work): Promise<void> {
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

const defaultShortWaitSeconds = 20

/** How the handler says that it ends. Rejects with the lease's end, whatever the handler made of it. */
async function handled(routes: WorkRoutes, handler: Handler, running: Work): Promise<Ending> {
  const { execution, lease, options, stopping } = running
  const over = new AbortController()
  try {
    const { run, suspended } = createRun({
      execution,
      steps: await stepsOf(routes, execution, lease),
      routes,
      lease,
      save: async (state) => {
        lease.lost.throwIfAborted()
        over.signal.throwIfAborted()
        await save(routes, execution, lease, state)
      },
      shortMilliseconds: (options.shortWaitSeconds ?? defaultShortWaitSeconds) * 1000,
      ended: over.signal,
      onStep: ({ key, seq }) => options.onEvent?.({ kind: 'step', execution, key, seq }),
    })
    const grace = options.graceMilliseconds ?? gracePeriodMilliseconds
    const outcome = await Promise.race([
      start(handler, execution, run),
      suspended.then((suspension) => suspendedEnding(execution, suspension)),
      tooSlow(lease.signal, grace, over.signal),
    ])
    return outcome ?? { status: 'completed' }
  } catch (thrown) {
    lease.lost.throwIfAborted()
    return stopping.aborted ? givenBack : { status: 'failed', error: failureOf(thrown) }
  } finally {
    over.abort(new Error('The execution was reported already.'))
  }
}

/** The steps that are recorded: they come with the claim, unless they are too large for it. */
async function stepsOf(
  routes: WorkRoutes,
  { id, steps }: ClaimedExecution,
  lease: HeldLease,
): Promise<readonly RecordedStep[]> {
  if (steps !== null && steps !== undefined) return steps
  const listed: RecordedStep[] = []
  for await (const step of routes.steps(id, { limit: 100, signal: lease.lost })) listed.push(step)
  return listed
}

/** Each claim takes one of `maxAttempts`: where none is left, nothing could go on with the execution later. */
function suspendedEnding({ attempts, maxAttempts }: ClaimedExecution, suspension: Suspension): Ending {
  if (attempts >= maxAttempts) {
    const message = `It has to wait, and all of its ${maxAttempts} attempts are used: start it with a larger maxAttempts, one for each long wait and some for crashes.`
    return { status: 'failed', error: { code: 'attempts_used_up', message } }
  }
  const { dueAt, waitFor, afterSeq } = suspension
  return {
    status: 'paused',
    ...(dueAt === undefined ? {} : { dueAt }),
    ...(waitFor === undefined ? {} : { waitFor: [...waitFor] }),
    ...(afterSeq === undefined ? {} : { afterSeq }),
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

async function save(
  routes: WorkRoutes,
  { id, fence }: ClaimedExecution,
  lease: HeldLease,
  state: JsonText,
): Promise<void> {
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
    await routes.report(id, { fence, status: 'failed', error: failureOf(error) }, { deadlineMilliseconds })
    return 'failed'
  }
}
