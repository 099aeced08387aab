import type { Settings } from '../contract.ts'
import { read, type Ask, type CallOptions } from '../exchange/asking.ts'
import type { JsonText } from '../json-text.ts'

export interface ChangeOptions extends CallOptions {
  /** The revision that the change was made for: `precondition_failed` where there is another by now. */
  readonly ifRevision?: number
}

const path = '/v1/settings'

/** The caller's own settings. A secret is written `{ "$secret": "plain" }` and comes back as `{ "$secret": { hint, ref } }`. */
export function createSettings(ask: Ask) {
  const change = async (
    method: 'PUT' | 'PATCH',
    body: object | JsonText,
    { ifRevision, ...options }: ChangeOptions = {},
  ): Promise<Settings> => {
    const ifMatch = ifRevision === undefined ? undefined : `"${ifRevision}"`
    return read<Settings>(await ask({ method, path, body, ifMatch }, options))
  }
  return {
    /** `{}` at revision 0 where they were never written. */
    async get(options?: CallOptions): Promise<Settings> {
      return read<Settings>(await ask({ method: 'GET', path, isCacheable: true }, options))
    },

    put: (data: JsonText, options?: ChangeOptions) => change('PUT', { data }, options),

    /** Merges an RFC 7396 patch: a member that is null is removed. */
    patch: (patch: JsonText, options?: ChangeOptions) => change('PATCH', patch, options),

    /** Shows a secret, by its JSON Pointer into `data`. Each use is logged. */
    async reveal(pointer: string, options?: CallOptions): Promise<string> {
      const question = { method: 'POST', path: '/v1/settings/reveal', body: { pointer }, isRepeatable: true } as const
      return read<{ readonly value: string }>(await ask(question, options)).value
    },
  }
}
