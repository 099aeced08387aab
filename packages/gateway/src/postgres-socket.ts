import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type PeerCertificate } from 'node:tls'
import type { Target } from '@millrace/db/url'
import { identityFault, tlsAttempts, type TlsPolicy } from '@millrace/drivers/native/tls'

type PostgresTarget = Extract<Target, { readonly dialect: 'postgres' }>

/** SSLRequest: its length and its code. */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/**
 * A socket to the PostgreSQL server, encrypted as the target's `sslmode` demands, ready for the startup message.
 * @throws Error when the server can't be reached or refuses what `sslmode` demands.
 */
export async function openPostgresSocket(target: PostgresTarget): Promise<Socket> {
  const [first, ...fallbacks] = tlsAttempts(target.options, target.host)
  const socket = await openSocket(target)
  if (first === undefined) return socket
  socket.write(sslRequest)
  const answer: readonly unknown[] = await once(socket, 'data')
  if (String(answer[0]) === 'S') return encrypt(socket, first)
  if (fallbacks.includes(undefined)) return socket
  socket.destroy()
  throw new Error('The server does not support SSL connections')
}

async function openSocket({ host, port, options }: PostgresTarget): Promise<Socket> {
  const socket = connect({ host, port, keepAlive: true, noDelay: true })
  const timer = setTimeout(() => {
    socket.destroy(new Error('The server did not answer in time (connect_timeout).'))
  }, options.connectTimeoutSeconds * 1000)
  try {
    await once(socket, 'connect')
    return socket
  } finally {
    clearTimeout(timer)
  }
}

async function encrypt(socket: Socket, policy: TlsPolicy): Promise<Socket> {
  const encrypted = connectTls({
    socket,
    rejectUnauthorized: policy.rejectUnauthorized,
    ...(policy.ca === undefined ? {} : { ca: policy.ca }),
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => identityFault(policy, certificate),
  })
  await once(encrypted, 'secureConnect')
  return encrypted
}
