import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { TripCounter } from './trip-counter.ts'

/**
 * Stands between workerd and a database server, and counts what the functions send before they wait for an answer: a
 * request's connection is made anew, and its log-in is none of the trips.
 */
export async function startTcpTripCounter(): Promise<TripCounter> {
  let trips = 0
  let target: URL | undefined
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const onward = connect(Number(target?.port), target?.hostname ?? '')
    let isAnswered = false
    client.on('data', (bytes) => {
      if (isAnswered && isQuery(bytes)) trips += 1
      isAnswered = false
      onward.write(bytes)
    })
    onward.on('data', (bytes) => {
      isAnswered = true
      client.write(bytes)
    })
    for (const [socket, other] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    leadTo(url) {
      target = new URL(url)
    },
    take() {
      const taken = trips
      trips = 0
      return taken
    },
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

/** PostgreSQL's Parse, which a batch begins with, or MySQL's COM_QUERY: the first packet of a command. */
function isQuery(bytes: Buffer): boolean {
  return bytes[0] === 0x50 || (bytes[3] === 0 && bytes[4] === 0x03)
}
