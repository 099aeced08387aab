import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type PeerCertificate } from 'node:tls'
import type { ServerAddress } from '@millrace/db/url'
import { identityFault, type TlsAttempts, type TlsPolicy } from './tls.ts'

/** SSLRequest: its length and its code. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

export interface PostgresSocketOptions {
  readonly host: string
  readonly port: number
  /** Of those that the host's name has. */
  readonly ipAddress?: string | undefined
  readonly tls: TlsAttempts
  readonly timeoutSeconds: number
}

/** As an address asks for it. */
export function socketOptions({ host, port, options }: ServerAddress, tls: TlsAttempts): PostgresSocketOptions {
  return { host, port, tls, timeoutSeconds: options.connectTimeoutSeconds }
}

/**
 * A socket to the PostgreSQL server, encrypted as the target's `sslmode` demands, ready for the first message.
 * @throws Error when the server can't be reached in time or refuses what `sslmode` demands.
 */
export async function openPostgresSocket(options: PostgresSocketOptions): Promise<Socket> {
  const { host, ipAddress = host, port, timeoutSeconds } = options
  const socket = connect({ host: ipAddress, port, keepAlive: true, noDelay: true })
  const timer = setTimeout(() => {
    socket.destroy(new Error('The server did not answer in time (connect_timeout).'))
  }, timeoutSeconds * 1000)
  try {
    await once(socket, 'connect')
    return await encryptedAsAsked(socket, options)
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

async function encryptedAsAsked(socket: Socket, { host, tls }: PostgresSocketOptions): Promise<Socket> {
  const [first, ...fallbacks] = tls
  if (first === undefined) return socket
  socket.write(sslRequest)
  const answer: readonly unknown[] = await once(socket, 'data')
  if (String(answer[0]) === 'S') return encrypt(socket, first, host)
  if (fallbacks.includes(undefined)) return socket
  throw new Error('The server does not support SSL connections')
}

async function encrypt(socket: Socket, policy: TlsPolicy, host: string): Promise<Socket> {
  const encrypted = connectTls({
    socket,
    // A name alone: https://www.rfc-editor.org/rfc/rfc6066#section-3
    ...(isIP(host) === 0 ? { servername: host } : {}),
    rejectUnauthorized: policy.rejectUnauthorized,
    ...(policy.ca === undefined ? {} : { ca: policy.ca }),
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => identityFault(policy, certificate),
  })
  await once(encrypted, 'secureConnect')
  return encrypted
}
