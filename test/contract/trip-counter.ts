import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** Stands between the functions and their gateway, and counts what passes: the round trips as the network sees them. */
export interface TripCounter {
  readonly url: string
  /** Sends everything on to the gateway at this URL. */
  leadTo(gatewayUrl: string): void
  /** Requests since it was last asked. */
  take(): number
  stop(): Promise<void>
}

export async function startTripCounter(): Promise<TripCounter> {
  let trips = 0
  let target: string | undefined
  const server = createServer((request, response) => {
    trips += 1
    void forward(target, request, response)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the counter has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    leadTo(gatewayUrl) {
      target = gatewayUrl
    },
    take() {
      const taken = trips
      trips = 0
      return taken
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => {
          resolve()
        })
      }),
  }
}

async function forward(target: string | undefined, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request)
  const headers = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      typeof value !== 'string' || perConnection.has(name) ? [] : [[name, value]],
    ),
  )
  const { method = 'GET', url = '/' } = request
  const answer = await fetch(`${target}${url}`, { method, headers, ...(body.length === 0 ? {} : { body }) })
  const answered = Buffer.from(await answer.arrayBuffer())
  response.writeHead(answer.status, { 'Content-Type': answer.headers.get('Content-Type') ?? 'application/json' })
  response.end(answered)
}

const perConnection: ReadonlySet<string> = new Set(['host', 'connection', 'content-length', 'transfer-encoding'])
