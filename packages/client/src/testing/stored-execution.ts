import type { ClaimedExecution, NewStep, RecordedStep, Report, Signal } from '../contract.ts'
import { ProblemError } from '../errors.ts'
import { exactJson, toJson, type JsonText } from '../json-text.ts'
import type { Handler, WorkEvent, WorkOptions } from '../working/contract.ts'
import type { WorkRoutes } from '../working/routes.ts'
import { work } from '../working/work.ts'

/** One execution, stored as the API stores it: claimed again and again, with its steps and signals. */
export function storedExecution({ maxAttempts = 50 }: { readonly maxAttempts?: number } = {}) {
  const steps: RecordedStep[] = []
  const signals: Signal[] = []
  const reports: Report[] = []
  const faults: { recordSteps?: (step: NewStep) => void; afterRecord?: (step: NewStep) => void } = {}
  let status = 'pending'
  let fence = 0
  let seq = 1
  let dueAt: number | undefined
  let waitFor: readonly string[] = []

  function isDue(): boolean {
    if (status === 'pending') return dueAt === undefined || dueAt <= Date.now()
    return status === 'paused' && dueAt !== undefined && dueAt <= Date.now()
  }

  function claimed(): ClaimedExecution {
    return {
      ...{ id: 'e', workflowId: 'w', workflowName: 'n', versionNumber: 1, userId: 'u', status: 'running', error: null },
      ...{
        attempts: fence,
        maxAttempts,
        fence,
        leaseUntil: at(),
        dueAt: null,
        scheduleId: null,
        waitFor: null,
        createdAt: at(),
        startedAt: at(),
      },
      ...{ completedAt: null, updatedAt: at(), steps: steps.map((step) => ({ ...step })) },
      ...{ input: exactJson('null'), state: exactJson('null'), definition: exactJson('{}') },
    }
  }

  function checkFence(given: number): void {
    if (given !== fence) throw refusal('fence_stale')
    if (status !== 'running') throw refusal('invalid_transition')
  }

  const routes: WorkRoutes = {
    async claim() {
      await Promise.resolve()
      if (!isDue()) return []
      status = 'running'
      fence += 1
      seq += 1
      return [claimed()]
    },
    heartbeat: (_id, beat) => Promise.resolve().then(() => (checkFence(beat.fence), { leaseUntil: at() })),
    async report(_id, report) {
      await Promise.resolve()
      checkFence(report.fence)
      reports.push(report)
      if (report.status === undefined) return claimed()
      status = report.status
      dueAt = typeof report.dueAt === 'string' ? Date.parse(report.dueAt) : undefined
      waitFor = report.waitFor ?? []
      const after = report.afterSeq ?? 0
      if (signals.some((signal) => signal.seq > after && waitFor.includes(signal.name))) wake()
      return claimed()
    },
    async recordSteps(_id, { fence: given, steps: given_ }) {
      await Promise.resolve()
      const [step] = given_
      if (step === undefined) throw new Error('no step')
      checkFence(given)
      faults.recordSteps?.(step)
      const known = steps.find(({ key }) => key === step.key)
      const recorded = recordedOf(step)
      if (known === undefined) steps.push(recorded)
      else if (known.output !== recorded.output) throw refusal('step_recorded')
      faults.afterRecord?.(step)
      return { steps: [{ key: step.key, seq: (known ?? recorded).seq }], leaseUntil: at() }
    },
    step(_id, key) {
      const found = steps.find((step) => step.key === key)
      return found === undefined ? Promise.reject(refusal('not_found')) : Promise.resolve(found)
    },
    steps() {
      throw new Error('the steps came with the claim')
    },
    nextSignal: (_id, { name, after }) =>
      Promise.resolve(signals.find((signal) => signal.name === name && signal.seq > after)),
  }

  function recordedOf(step: NewStep): RecordedStep {
    seq += 1
    return {
      ...{ seq, key: step.key, attempt: step.attempt ?? null, startedAt: step.startedAt ?? null, recordedAt: at() },
      output: 'output' in step ? step.output : exactJson('null'),
      error: 'error' in step ? step.error : null,
    }
  }

  function wake(): void {
    status = 'pending'
    dueAt = undefined
    waitFor = []
  }

  return {
    routes,
    steps,
    reports,
    faults,
    status: () => status,
    attempts: () => fence,
    waitsFor: () => waitFor,
    /** As if another claim had taken it. */
    loseLease() {
      fence += 1
    },
    signal(name: string, payload: JsonText = toJson(null)) {
      seq += 1
      signals.push({ seq, name, payload, at: at(), by: 'u' })
      if (status === 'paused' && waitFor.includes(name)) wake()
    },
  }
}

const at = (): string => new Date().toISOString()

export function refusal(code: 'fence_stale' | 'invalid_transition' | 'step_recorded' | 'not_found'): ProblemError {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a refusal as the API sends it
  const problem = { type: '', title: '', status: 409, code, detail: 'No.', requestId: 'r' } as ProblemError['problem']
  return new ProblemError(problem)
}

/** Works what is stored until the signal of the answer is aborted. */
export function startWorking(routes: WorkRoutes, handler: Handler, options: Partial<WorkOptions> = {}) {
  const controller = new AbortController()
  const events: WorkEvent[] = []
  const onEvent = (event: WorkEvent): void => void events.push(event)
  const done = work(routes, handler, { worker: 'one', signal: controller.signal, onEvent, ...options })
  done.catch(() => undefined)
  return { events, done, abort: () => controller.abort(new Error('stopped')) }
}
