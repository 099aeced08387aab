import type { IncomingHttpHeaders } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FetchedResponse } from '@millrace/drivers/fetch'
import type { GatewayLimits } from './limits.ts'
import type { Log } from './log.ts'
import { refuseTooLarge, refuseUnexpected, textReply, type Protocol, type Reply } from './protocol.ts'

interface OwnRequest {
  readonly path: string
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface OwnRequestsOptions {
  readonly limits: Pick<GatewayLimits, 'bodyBytes'>
  readonly log: Log
}

/**
 * Requests of the gateway's own process. The protocols answer them as they do those over HTTP; bytes are neither made of
 * them nor sent. Nothing is asked that stands for who is on the other side: Host, Origin, the gateway's token.
 */
export class OwnRequests {
  readonly #protocol: Protocol
  readonly #options: OwnRequestsOptions
  #count = 0

  constructor(protocol: Protocol, options: OwnRequestsOptions) {
    this.#protocol = protocol
    this.#options = options
  }

  /** How many are being answered. */
  get count(): number {
    return this.#count
  }

  /** As `fetch`; rejects with the signal's reason when that aborts. */
  async fetch(input: Request | URL | string, init: RequestInit = {}): Promise<FetchedResponse> {
    const { signal } = init
    signal?.throwIfAborted()
    const request = await readRequest(input, init)
    this.#count += 1
    // SQLite answers at once: without a turn of the event loop signals would wait, and so would what frees memory.
    await nextTurn()
    try {
      signal?.throwIfAborted()
      return answerOf(await this.#reply(request, signal ?? new AbortController().signal))
    } finally {
      this.#count -= 1
    }
  }

  async #reply({ path, method, headers, body }: OwnRequest, signal: AbortSignal): Promise<Reply> {
    const route = this.#protocol.routes.get(path)
    if (route?.method !== method) return textReply(404, `The gateway has no ${method} ${path}.`)
    const { limits, log } = this.#options
    if (Buffer.byteLength(body) > limits.bodyBytes) return refuseTooLarge(this.#protocol, limits.bodyBytes)
    const aborted = Promise.withResolvers<never>()
    const abort = () => aborted.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await Promise.race([route.answer({ headers, body, signal }), aborted.promise])
    } catch (error) {
      signal.throwIfAborted()
      return refuseUnexpected(this.#protocol, log, path, error)
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }
}

/** libSQL's client gives a `Request`, the others what makes one. */
async function readRequest(input: Request | URL | string, init: RequestInit): Promise<OwnRequest> {
  const request = input instanceof Request ? input : undefined
  const { pathname } = input instanceof Request ? new URL(input.url) : new URL(input)
  const headers = Object.fromEntries(new Headers(init.headers ?? request?.headers))
  const { body } = init
  const text = typeof body === 'string' ? body : await request?.text()
  return { path: pathname, method: init.method ?? request?.method ?? 'GET', headers, body: text ?? '' }
}

function answerOf({ status, headers, body }: Reply): FetchedResponse {
  return {
    ok: status >= 200 && status < 300,
    status,
    statusText: '',
    headers: new Headers(headers),
    text: () => Promise.resolve(body),
    json: () => Promise.resolve(body).then((text): unknown => JSON.parse(text)),
  }
}
