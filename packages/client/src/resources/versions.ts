import type { Difference, Restoration, Version, VersionSummary, Workflow } from '../contract.ts'
import { pathOf, read, type Ask, type CallOptions, type KeyedCallOptions } from '../exchange/asking.ts'
import { listed, type ListOptions } from '../exchange/pages.ts'
import { ifMatch, type SeenWorkflow } from './workflows.ts'

export function createVersions(ask: Ask) {
  return {
    list: (workflowId: string, options: ListOptions = {}) =>
      listed<VersionSummary>(ask, pathOf`/v1/workflows/${workflowId}/versions`, options),

    async get(workflowId: string, versionNumber: number, options?: CallOptions): Promise<Version> {
      const path = pathOf`/v1/workflows/${workflowId}/versions/${versionNumber}`
      return read<Version>(await ask({ method: 'GET', path }, options))
    },

    /** Makes an old version's definition the next version. */
    async restore(
      seen: SeenWorkflow,
      versionNumber: number,
      { changeNotes, ...options }: Restoration & KeyedCallOptions = {},
    ): Promise<Workflow> {
      const path = pathOf`/v1/workflows/${seen.id}/versions/${versionNumber}/restore`
      const question = { method: 'POST', path, body: { changeNotes }, ifMatch: ifMatch(seen), isKeyed: true } as const
      return read<Workflow>(await ask(question, options))
    },

    /** The JSON Patch that turns version `from` into version `to`. */
    async difference(workflowId: string, from: number, to: number, options?: CallOptions): Promise<Difference> {
      const path = pathOf`/v1/workflows/${workflowId}/versions/${from}/diff/${to}`
      return read<Difference>(await ask({ method: 'GET', path }, options))
    },
  }
}
