import { once } from 'node:events'
import { stopMilliseconds } from '../tcp/time-limit.ts'
import { openPostgresSocket, type PostgresSocketOptions } from './postgres-socket.ts'

/** By which the server knows whose statement to end: it gave both when the connection was opened. */
export interface BackendKey {
  readonly processId: number
  readonly secretKey: number
}

const timeoutSeconds = stopMilliseconds / 1000

/**
 * Asks the server to end what runs on a connection. The server takes this without a log-in, also when all of its
 * connections are used up, and answers by ending the socket when it has told the other process.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 * @throws Error when the server can't be reached in time or refuses TLS
 */
export async function requestCancel(to: Omit<PostgresSocketOptions, 'timeoutSeconds'>, key: BackendKey): Promise<void> {
  const socket = await openPostgresSocket({ ...to, timeoutSeconds })
  const timer = setTimeout(
    () => socket.destroy(new Error('The server did not end the request.')),
    timeoutSeconds * 1000,
  )
  try {
    // Or its end is never met.
    socket.resume()
    socket.write(messageOf(key))
    await once(socket, 'close')
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

/** CancelRequest of protocol 3.0, which pg speaks: there a key has four bytes. */
function messageOf({ processId, secretKey }: BackendKey): Buffer {
  const message = Buffer.alloc(16)
  message.writeInt32BE(message.length, 0)
  message.writeInt32BE(80_877_102, 4)
  message.writeInt32BE(processId, 8)
  message.writeInt32BE(secretKey, 12)
  return message
}
