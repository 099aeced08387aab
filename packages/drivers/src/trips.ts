import type { FetchedResponse, Fetch } from './fetch.ts'
import { kindOf } from './observed.ts'
import type { Statement } from '@millrace/db/sql/statement'
import type { TripObserver } from '@millrace/db/sql/transport'
import { gatewayTokenHeader } from './gateway-wire.ts'

/** Where a driver's requests go: a platform's own endpoint, or the gateway with its token. */
export interface Endpoint {
  /** Of the gateway, without a path; undefined where the platform's own endpoint is meant. */
  readonly gatewayUrl: URL | undefined
  readonly gatewayToken: string | undefined
  /** How long one round trip may take. */
  readonly timeoutSeconds: number
  /** In place of the global `fetch`: of a gateway in the same process. */
  readonly fetch?: Fetch | undefined
}

/** What a driver's requests are for. */
export interface Purpose {
  readonly observer: TripObserver | undefined
  readonly statement: string
  readonly parameters: readonly unknown[]
  /** In place of the endpoint's limit. */
  readonly timeoutSeconds?: number | undefined
}

export const unobserved: Purpose = { observer: undefined, statement: '', parameters: [] }

/** What one round trip of these statements is for. */
export function purposeOf(observer: TripObserver | undefined, ...statements: readonly Statement[]): Purpose {
  return {
    observer,
    statement: statements.map(({ text }) => text).join(';\n'),
    parameters: statements.flatMap(({ parameters }) => parameters),
    timeoutSeconds: statements.find(({ timeoutSeconds }) => timeoutSeconds !== undefined)?.timeoutSeconds,
  }
}

/**
 * A `fetch` for drivers that counts as one round trip each time, shows the gateway its token, and gives up in time.
 * The body is read before it counts as done, since a database's answer streams.
 */
export function fetchThrough(
  endpoint: Endpoint,
  purpose: () => Purpose,
  extraHeaders: Readonly<Record<string, string>> = {},
): Fetch {
  const own = {
    ...extraHeaders,
    ...(endpoint.gatewayToken === undefined ? {} : { [gatewayTokenHeader]: endpoint.gatewayToken }),
  }
  const hasOwn = Object.keys(own).length > 0
  return async (input, init) => {
    const { observer, statement, parameters, timeoutSeconds = endpoint.timeoutSeconds } = purpose()
    const trace = endpoint.gatewayUrl === undefined ? undefined : observer?.traceHeaders
    const startedAt = performance.now()
    try {
      const answer = await (endpoint.fetch ?? fetch)(input, {
        ...withoutCache(init),
        ...(hasOwn || trace !== undefined ? { headers: withHeaders({ ...own, ...trace }, input, init?.headers) } : {}),
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
      })
      return answer instanceof Response ? readResponse(answer, await answer.text()) : answer
    } finally {
      observer?.trip(performance.now() - startedAt, statement, () => parameters.map(kindOf))
    }
  }
}

/** The drivers give theirs as plain objects, and libSQL's within a request. */
function withHeaders(
  own: Readonly<Record<string, string>>,
  input: Request | URL | string,
  given: RequestInit['headers'],
): Headers | Record<string, string> {
  if (given !== undefined && !(given instanceof Headers) && !isIterable(given)) return { ...given, ...own }
  const headers = new Headers(given ?? (input instanceof Request ? input.headers : undefined))
  for (const [name, value] of Object.entries(own)) headers.set(name, value)
  return headers
}

function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value
}

/** No `Response`: to make one of what was read, and to read it again, costs as much as the request itself. */
function readResponse({ ok, status, statusText, headers }: Response, body: string): FetchedResponse {
  return {
    ok,
    status,
    statusText,
    headers,
    text: () => Promise.resolve(body),
    json: () => Promise.resolve(body).then((text): unknown => JSON.parse(text)),
  }
}

/** workerd refuses the member `cache` that the PlanetScale client sends, where the compatibility date is older. */
function withoutCache(init: RequestInit | undefined): RequestInit {
  const { cache: _cache, ...rest } = init ?? {}
  return rest
}
