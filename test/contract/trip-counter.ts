import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { served } from '../served.ts'
import { startTcpTripCounter } from './tcp-trip-counter.ts'

/**
 * Stands between the functions and their gateway (through Hyperdrive: the database), and counts what passes: the round
 * trips as the network sees them.
 */
export interface TripCounter {
  readonly url: string
  /** Sends everything on to the gateway at this URL. */
  leadTo(gatewayUrl: string): void
  /** Requests since it was last asked. */
  take(): number
  stop(): Promise<void>
}

export async function startTripCounter(): Promise<TripCounter> {
  if (served === 'hyperdrive') return startTcpTripCounter()
  let trips = 0
  const upgraded = new Set<Duplex>()
  let target: string | undefined
  const server = createServer((request, response) => {
    trips += 1
    void forward(target, request, response)
  })
  // A snapshot of PostgreSQL is a WebSocket: its bytes pass, and are no round trips of a request.
  server.on('upgrade', (request, socket, head) => {
    const { hostname, port } = new URL(target ?? '')
    const onward = connect(Number(port), hostname, () => {
      const headers = request.rawHeaders.flatMap((name, index, all) =>
        index % 2 === 0 ? [`${name}: ${all[index + 1] ?? ''}`] : [],
      )
      onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`)
      onward.write(head)
      socket.pipe(onward).pipe(socket)
    })
    for (const stream of [socket, onward]) {
      upgraded.add(stream)
      stream.on('close', () => upgraded.delete(stream))
    }
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
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
        // Those that were upgraded are no longer the server's to close.
        for (const stream of upgraded) stream.destroy()
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
