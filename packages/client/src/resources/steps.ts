import type { HistoryEntry, NewStep, RecordedStep, RecordedSteps } from '../contract.ts'
import { pathOf, read, writeList, type Ask, type CallOptions } from '../exchange/asking.ts'
import { listed, type ListOptions } from '../exchange/pages.ts'

export interface StepsToRecord {
  readonly fence: number
  readonly steps: readonly NewStep[]
  readonly leaseSeconds?: number
}

export function createSteps(ask: Ask) {
  return {
    /** Records steps under the fence of the claim: all or none. The same result under the same key changes nothing. */
    async recordSteps(id: string, { steps, ...members }: StepsToRecord, options?: CallOptions): Promise<RecordedSteps> {
      const path = pathOf`/v1/executions/${id}/steps`
      const body = writeList('steps', steps, members)
      return read<RecordedSteps>(await ask({ method: 'POST', path, body, isRepeatable: true }, options))
    },

    async step(id: string, key: string, options?: CallOptions): Promise<RecordedStep> {
      return read<RecordedStep>(await ask({ method: 'GET', path: pathOf`/v1/executions/${id}/steps/${key}` }, options))
    },

    /** Oldest first. */
    steps: (id: string, options: ListOptions = {}) =>
      listed<RecordedStep>(ask, pathOf`/v1/executions/${id}/steps`, options),

    /** Everything that happened to an execution, oldest first. */
    history: (id: string, options: ListOptions = {}) =>
      listed<HistoryEntry>(ask, pathOf`/v1/executions/${id}/history`, options),
  }
}
