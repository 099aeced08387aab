import type {
  Claim,
  ClaimedExecution,
  Execution,
  ExecutionFilters,
  ExecutionSummary,
  Heartbeat,
  Lease,
  NewExecution,
  Report,
} from '../contract.ts'
import { ProblemError } from '../errors.ts'
import { pathOf, read, readItemsWith, type Ask, type CallOptions, type KeyedCallOptions } from '../exchange/asking.ts'
import { listed, type ListOptions } from '../exchange/pages.ts'
import { createSignals } from './signals.ts'
import { createSteps } from './steps.ts'

export function createExecutions(ask: Ask) {
  const get = async (id: string, options?: CallOptions): Promise<Execution> =>
    read<Execution>(await ask({ method: 'GET', path: pathOf`/v1/executions/${id}` }, options))

  const step = async (id: string, name: 'cancel' | 'resume', options?: CallOptions): Promise<Execution> =>
    read<Execution>(await ask({ method: 'POST', path: pathOf`/v1/executions/${id}/${name}` }, options))

  return {
    /** Starts an execution of the newest version; it is pending until a worker claims it. */
    async start(workflowId: string, execution: NewExecution = {}, options?: KeyedCallOptions): Promise<Execution> {
      const path = pathOf`/v1/workflows/${workflowId}/executions`
      return read<Execution>(await ask({ method: 'POST', path, body: execution, isKeyed: true }, options))
    },

    list: (wanted: ExecutionFilters & ListOptions = {}) => listed<ExecutionSummary>(ask, '/v1/executions', wanted),

    get,

    /** Leases due executions to this worker. Its answer lost, it gets the same leases again. */
    async claim(claim: Claim, options?: KeyedCallOptions): Promise<readonly ClaimedExecution[]> {
      const question = { method: 'POST', path: '/v1/executions/claim', body: claim, isKeyed: true } as const
      return readItemsWith<ClaimedExecution>('steps', await ask(question, options))
    },

    /** Renews the lease from now on. Under one fence doing it twice is doing it once. */
    async heartbeat(id: string, heartbeat: Heartbeat, options?: CallOptions): Promise<Lease> {
      const path = pathOf`/v1/executions/${id}/heartbeat`
      return read<Lease>(await ask({ method: 'POST', path, body: heartbeat, isRepeatable: true }, options))
    },

    /**
     * Writes state, ends, pauses or gives back, under the fence of the claim. Its answer lost, it is sent again: the
     * fence lets nobody else have written between, so that what is there then is what was reported.
     */
    async report(id: string, report: Report, options?: CallOptions): Promise<Execution> {
      const path = pathOf`/v1/executions/${id}`
      let retries = 0
      const onRetry = (failure: unknown): void => {
        retries += 1
        options?.onRetry?.(failure)
      }
      const question = { method: 'PATCH', path, body: report, isRepeatable: true } as const
      try {
        return read<Execution>(await ask(question, { ...options, onRetry }))
      } catch (error) {
        if (retries === 0 || !isAfterTheEnd(error)) throw error
        const execution = await get(id, options)
        if (isReported(execution, report)) return execution
        throw error
      }
    },

    /** At once; a late worker can write nothing more. */
    cancel: (id: string, options?: CallOptions) => step(id, 'cancel', options),

    /** Makes a paused execution pending, due now. */
    resume: (id: string, options?: CallOptions) => step(id, 'resume', options),

    /** Starts a new execution with the input and version of one that has ended. */
    async retry(id: string, options?: KeyedCallOptions): Promise<Execution> {
      const path = pathOf`/v1/executions/${id}/retry`
      return read<Execution>(await ask({ method: 'POST', path, isKeyed: true }, options))
    },

    /** Deletes one that has ended, with its steps and history. */
    async remove(id: string, options?: CallOptions): Promise<void> {
      await ask({ method: 'DELETE', path: pathOf`/v1/executions/${id}` }, options)
    },

    ...createSteps(ask),
    ...createSignals(ask),
  }
}

/** What a report is told that comes after the one that gave up the lease. */
function isAfterTheEnd(error: unknown): boolean {
  return error instanceof ProblemError && error.code === 'invalid_transition'
}

/** One given back for the last time has failed. */
function isReported({ fence, status }: Execution, report: Report): boolean {
  return fence === report.fence && (status === report.status || (report.status === 'pending' && status === 'failed'))
}
