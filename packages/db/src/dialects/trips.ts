import type { TripObserver } from '../transport.ts'

/** Where a driver's requests go: a platform's own endpoint, or the gateway with its token. */
export interface Endpoint {
  /** Of the gateway, without a path; undefined where the platform's own endpoint is meant. */
  readonly gatewayUrl: URL | undefined
  readonly gatewayToken: string | undefined
  /** How long one round trip may take. */
  readonly timeoutSeconds: number
}

export type Fetch = (input: Request | URL | string, init?: RequestInit) => Promise<Response>

export const gatewayTokenHeader = 'X-Millrace-Gateway-Token'

/**
 * A `fetch` for drivers that counts as one round trip each time, shows the gateway its token, and gives up in time.
 * The body is read before it counts as done, since a database's answer streams.
 */
export function fetchThrough(
  endpoint: Endpoint,
  observer: TripObserver | undefined,
  statement: () => string,
  extraHeaders: Readonly<Record<string, string>> = {},
): Fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    for (const [name, value] of Object.entries(extraHeaders)) headers.set(name, value)
    if (endpoint.gatewayToken !== undefined) headers.set(gatewayTokenHeader, endpoint.gatewayToken)
    const startedAt = performance.now()
    try {
      const answer = await fetch(input, {
        ...withoutCache(init),
        headers,
        signal: AbortSignal.timeout(endpoint.timeoutSeconds * 1000),
      })
      return new Response(await answer.arrayBuffer(), answer)
    } finally {
      observer?.trip(performance.now() - startedAt, statement())
    }
  }
}

/** workerd refuses the member `cache` that the PlanetScale client sends, where the compatibility date is older. */
function withoutCache(init: RequestInit | undefined): RequestInit {
  const { cache: _cache, ...rest } = init ?? {}
  return rest
}
