import type { ErrorCode } from '../errors.ts'

/** What the service answers to one request; a thrown error is a connection that broke. */
export type FakeResponse = (request: Request, count: number) => Response | Promise<Response>

export interface FakeService {
  readonly fetch: typeof fetch
  /** The requests so far, bodies unread. */
  readonly requests: Request[]
  /** The paths of the requests so far, methods before them. */
  lines(): readonly string[]
}

/** A service in place of the network. */
export function fakeService(answer: FakeResponse): FakeService {
  const requests: Request[] = []
  return {
    requests,
    lines: () => requests.map(({ method, url }) => `${method} ${new URL(url).pathname}${new URL(url).search}`),
    fetch: async (input, init) => {
      const request = new Request(input, init)
      requests.push(request.clone())
      return answer(request, requests.length)
    },
  }
}

/** One answer after the other, the last one from then on. */
export function inTurn(...answers: readonly FakeResponse[]): FakeResponse {
  return (request, count) => {
    const answer = answers[Math.min(count, answers.length) - 1]
    if (answer === undefined) throw new Error('no answers')
    return answer(request, count)
  }
}

export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): FakeResponse {
  return () => Response.json(value, { status, headers })
}

export function problem(status: number, code: ErrorCode, headers: Readonly<Record<string, string>> = {}): FakeResponse {
  const body = { type: `urn:${code}`, title: code, status, code, detail: 'So it is.', requestId: 'r-1' }
  return () => Response.json(body, { status, headers: { 'Content-Type': 'application/problem+json', ...headers } })
}

export const broken: FakeResponse = () => {
  throw new TypeError('fetch failed')
}

/** Never answers; rejects when the request is aborted, as fetch does. */
export const silent: FakeResponse = (request) =>
  new Promise((_resolve, reject) => {
    request.signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
  })
