import type { ApiKey, MadeApiKey, NewApiKey } from '../contract.ts'
import { pathOf, read, type Ask, type CallOptions, type KeyedCallOptions } from '../exchange/asking.ts'
import { listed, type ListOptions } from '../exchange/pages.ts'

export function createApiKeys(ask: Ask) {
  return {
    /** `key` is shown only in this answer; it is null when the first answer was lost and this one is its replay. */
    async create(apiKey: NewApiKey, options?: KeyedCallOptions): Promise<MadeApiKey> {
      return read<MadeApiKey>(await ask({ method: 'POST', path: '/v1/api-keys', body: apiKey, isKeyed: true }, options))
    },

    list: (options: ListOptions = {}) => listed<ApiKey>(ask, '/v1/api-keys', options),

    async remove(id: string, options?: CallOptions): Promise<void> {
      await ask({ method: 'DELETE', path: pathOf`/v1/api-keys/${id}` }, options)
    },
  }
}
