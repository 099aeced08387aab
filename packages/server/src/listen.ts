import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import { getRequestListener, RequestError } from '@hono/node-server'

export interface Listening {
  readonly port: number
  /**
   * Takes no more connections, and lets what is under way end; what takes longer than `graceSeconds` is cut off. A
   * connection that is kept may bring one more request, which is answered with its end, and is closed after `idleSeconds`
   * without one: at once when absent.
   */
  close(graceSeconds: number, idleSeconds?: number): Promise<void>
}

export interface ListenOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Of the client; where its connection comes from when absent. */
  readonly addressOf?: (request: IncomingMessage) => string
  /** Answers what has no URL: a request whose target or `Host` is missing or malformed. With an empty 400 when absent. */
  readonly answerUnreadable?: Answer
}

type Answer = (request: Request) => Response | Promise<Response>

/** Serves HTTP on Node. Rejects with Node's error where it can't listen there. */
export async function listen(
  fetch: Answer,
  {
    host,
    port,
    addressOf = ({ socket }) => socket.remoteAddress ?? '',
    answerUnreadable = () => new Response(null, { status: 400 }),
  }: ListenOptions,
): Promise<Listening> {
  // The name of whoever sends no `Host`: HTTP/1.0 needs none, and health checks of proxies speak it.
  const hostname = 'localhost'
  let arrived: IncomingMessage | undefined
  const answer = getRequestListener((request) => fetch(request), {
    hostname,
    // Where no URL can be made of the request that arrived, the adapter calls it before anything else is read.
    errorHandler: (error) =>
      error instanceof RequestError ? answerUnreadable(withoutTarget(arrived)) : new Response(null, { status: 500 }),
  })
  const refuse = getRequestListener((request) => answerUnreadable(request), { hostname })
  let isClosing = false
  // Without a `Host`, Node would answer by itself.
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    nameClient(request, addressOf(request))
    // A connection that is kept would bring its next request to a server that is about to end.
    if (isClosing) response.setHeader('Connection', 'close')
    arrived = request
    // `OPTIONS *` asks for no path: no route has it.
    if (request.url === '*') request.url = '/*'
    if (request.headers.host === undefined && request.httpVersion === '1.1') void refuse(request, response)
    else void answer(request, response)
  })
  // Node's cluster calls it too, where the first process takes this one out of its group.
  server.close = (closed) => {
    NetServer.prototype.close.call(server, closed)
    return server
  }
  // Longer than the proxies in front keep theirs, or one may send a request into a connection that is being closed.
  server.keepAliveTimeout = 75_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: portOf(server, port),
    async close(graceSeconds, idleSeconds = 0) {
      isClosing = true
      const closed = stopListening(server)
      // Again and again: an answer that had begun before is followed by a connection that is kept. Each time only once the
      // event loop has read what came meanwhile, or a request that waits in its socket would be thrown away unread.
      const closeIdle = () => setImmediate(() => server.closeIdleConnections())
      const idle = setInterval(closeIdle, Math.max(idleSeconds, 0.02) * 1000)
      const late = setTimeout(() => server.closeAllConnections(), graceSeconds * 1000)
      await closed
      clearInterval(idle)
      clearTimeout(late)
    },
  }
}

/** What can be told of a request without a URL: its method and its id. */
function withoutTarget(request: IncomingMessage | undefined): Request {
  const requestId = request?.headers['x-request-id']
  // `fetch` knows no TRACE.
  const method = request?.method === 'TRACE' ? 'GET' : request?.method
  return new Request('http://localhost/', {
    ...(method === undefined ? {} : { method }),
    headers: typeof requestId === 'string' ? { 'X-Request-Id': requestId } : {},
  })
}

/**
 * Resolves when the last connection has ended. Not HTTP's own `close`, which ends idle connections at once: a proxy may just
 * be sending a request on one of them, and can't tell that nobody has read it.
 */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
  })
}

const clientAddressHeader = 'cf-connecting-ip'

/** The address that the connection comes from stands where the platform puts it; a caller's own word for it counts for nothing. */
function nameClient({ headers, rawHeaders }: IncomingMessage, address: string): void {
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    const { length } = rawHeaders[at] ?? ''
    if (length === clientAddressHeader.length && rawHeaders[at]?.toLowerCase() === clientAddressHeader) {
      rawHeaders.splice(at, 2)
    }
  }
  rawHeaders.push(clientAddressHeader, address)
  // Node has made these of the raw ones already, to look for `Host`, and the adapter reads either.
  headers[clientAddressHeader] = address
}

function portOf(server: Server, asked: number): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : asked
}
