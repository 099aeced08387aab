import { ProblemError } from '../errors.ts'
import type { Credentials } from './credentials.ts'
import type { Call, Exchange } from './exchange.ts'

/** A `fetch` that sends as the client does. Refusals are answers, as Hono's client expects. */
export function rpcFetch(url: string, exchange: Exchange, credentials: Credentials): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    try {
      const { status, headers, text } = await exchange(await callOf(url, request, credentials))
      const hasBody = status !== 204 && status !== 304
      return new Response(hasBody ? text : null, { status, headers })
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      const headers = { 'Content-Type': 'application/problem+json' }
      return Response.json(error.problem, { status: error.status, headers })
    }
  }
}

async function callOf(url: string, request: Request, credentials: Credentials): Promise<Call> {
  const { method, headers, signal } = request
  const body = method === 'GET' || method === 'HEAD' ? undefined : await request.text()
  return {
    method,
    path: request.url.slice(url.length),
    headers: Object.fromEntries(headers),
    body: body === '' ? undefined : body,
    isRepeatable: method === 'GET' || headers.has('Idempotency-Key'),
    credentials,
    signal,
  }
}
