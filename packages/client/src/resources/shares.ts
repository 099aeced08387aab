import type { NewShare, Share } from '../contract.ts'
import { pathOf, read, type Ask, type CallOptions, type KeyedCallOptions } from '../exchange/asking.ts'
import { listed, type ListOptions } from '../exchange/pages.ts'

export function createShares(ask: Ask) {
  return {
    list: (workflowId: string, options: ListOptions = {}) =>
      listed<Share>(ask, pathOf`/v1/workflows/${workflowId}/shares`, options),

    /** Shares a workflow with a user, or changes what that user may do. */
    async put(workflowId: string, share: NewShare, options?: KeyedCallOptions): Promise<Share> {
      const path = pathOf`/v1/workflows/${workflowId}/shares`
      return read<Share>(await ask({ method: 'POST', path, body: share, isKeyed: true }, options))
    },

    async remove(workflowId: string, userId: string, options?: CallOptions): Promise<void> {
      await ask({ method: 'DELETE', path: pathOf`/v1/workflows/${workflowId}/shares/${userId}` }, options)
    },
  }
}
