import type { NewWorkflow, Workflow, WorkflowChange, WorkflowFilters, WorkflowSummary } from '../contract.ts'
import {
  pathOf,
  read,
  readItems,
  writeItems,
  type Ask,
  type CallOptions,
  type KeyedCallOptions,
} from '../exchange/asking.ts'
import { listed, type ListOptions } from '../exchange/pages.ts'

/**
 * The workflow that a change is meant for, as it was seen: where it has another revision by now, the change is refused
 * with `precondition_failed`. The revision `'*'` forces it. A {@link Workflow} is one.
 */
export interface SeenWorkflow {
  readonly id: string
  readonly revision: number | '*'
}

export function ifMatch({ revision }: SeenWorkflow): string {
  return revision === '*' ? '*' : `"${revision}"`
}

export function createWorkflows(ask: Ask) {
  return {
    async create(workflow: NewWorkflow, options?: KeyedCallOptions): Promise<Workflow> {
      return read<Workflow>(
        await ask({ method: 'POST', path: '/v1/workflows', body: workflow, isKeyed: true }, options),
      )
    },

    /** Creates 1 to 100, all or none, in the order given. */
    async createAll(workflows: readonly NewWorkflow[], options?: KeyedCallOptions): Promise<readonly Workflow[]> {
      const body = writeItems(workflows)
      return readItems<Workflow>(
        await ask({ method: 'POST', path: '/v1/workflows/batch', body, isKeyed: true }, options),
      )
    },

    list: (wanted: WorkflowFilters & ListOptions = {}) => listed<WorkflowSummary>(ask, '/v1/workflows', wanted),

    async get(id: string, options?: CallOptions): Promise<Workflow> {
      const question = { method: 'GET', path: pathOf`/v1/workflows/${id}`, isCacheable: true } as const
      return read<Workflow>(await ask(question, options))
    },

    /** A definition whose text differs makes the next version. */
    async update(seen: SeenWorkflow, change: WorkflowChange, options?: CallOptions): Promise<Workflow> {
      const path = pathOf`/v1/workflows/${seen.id}`
      return read<Workflow>(await ask({ method: 'PATCH', path, body: change, ifMatch: ifMatch(seen) }, options))
    },

    /** Its versions, shares and ended executions go with it. */
    async remove(seen: SeenWorkflow, options?: CallOptions): Promise<void> {
      await ask({ method: 'DELETE', path: pathOf`/v1/workflows/${seen.id}`, ifMatch: ifMatch(seen) }, options)
    },

    /** The new owner owns; the old one keeps `edit`. */
    async transfer(seen: SeenWorkflow, username: string, options?: CallOptions): Promise<Workflow> {
      const path = pathOf`/v1/workflows/${seen.id}/transfer`
      return read<Workflow>(await ask({ method: 'POST', path, body: { username }, ifMatch: ifMatch(seen) }, options))
    },
  }
}
