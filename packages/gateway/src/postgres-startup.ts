import type { Duplex } from 'node:stream'
import type { Target } from '@millrace/db/url'
import { isSameSecret } from './secret.ts'

type PostgresTarget = Extract<Target, { readonly dialect: 'postgres' }>

/** Codes that stand where a startup message has its protocol's version. */
const sslRequest = 80877103
const gssEncryptionRequest = 80877104
/** Version 3 of the protocol, whatever its minor version. */
const protocolMajor = 3

/** No startup message is longer. https://www.postgresql.org/docs/current/protocol-message-formats.html */
const mostBytes = 10_000
const lengthBytes = 4
const headBytes = 8

/** What a client opens with is not to be passed on. `sqlState` is PostgreSQL's. */
export class StartupRefusal extends Error {
  override readonly name = 'StartupRefusal'
  readonly sqlState: string

  constructor(sqlState: string, message: string) {
    super(message)
    this.sqlState = sqlState
  }
}

/**
 * Reads a client's startup message. Asked for encryption, it declines: the client's way to the gateway is encrypted by
 * whoever serves HTTPS, the gateway's to the server by the gateway.
 */
export async function readStartup(client: Duplex): Promise<Buffer> {
  for (;;) {
    const packet = await readPacket(client)
    const code = packet.readInt32BE(lengthBytes)
    if (code !== sslRequest && code !== gssEncryptionRequest) return packet
    client.write('N')
  }
}

/**
 * The startup message for the gateway's own database: the client's, with the database in it replaced.
 * @throws StartupRefusal when it names another user.
 */
export function startupFor(target: PostgresTarget, packet: Buffer): Buffer {
  if (packet.readInt16BE(lengthBytes) !== protocolMajor)
    throw new StartupRefusal('08P01', 'unsupported frontend protocol')
  const parameters = readParameters(packet.subarray(headBytes))
  const user = parameters.get('user') ?? ''
  if (!isSameSecret(user, target.user)) {
    throw new StartupRefusal('28P01', `password authentication failed for user '${user}'`)
  }
  parameters.set('database', target.database)
  const body = [...parameters].map(([name, value]) => `${name}\0${value}\0`).join('')
  const bytes = Buffer.concat([packet.subarray(0, headBytes), Buffer.from(`${body}\0`)])
  bytes.writeInt32BE(bytes.byteLength, 0)
  return bytes
}

/** An ErrorResponse that ends the session, as the client's driver reads it. */
export function errorResponse(sqlState: string, message: string): Buffer {
  const fields = `SFATAL\0VFATAL\0C${sqlState}\0M${message}\0\0`
  const head = Buffer.alloc(1 + lengthBytes)
  head.write('E')
  head.writeInt32BE(lengthBytes + Buffer.byteLength(fields), 1)
  return Buffer.concat([head, Buffer.from(fields)])
}

function readParameters(bytes: Buffer): Map<string, string> {
  const parts = bytes.toString('utf8').split('\0')
  const parameters = new Map<string, string>()
  for (let at = 0; at + 1 < parts.length && parts[at] !== ''; at += 2)
    parameters.set(parts[at] ?? '', parts[at + 1] ?? '')
  return parameters
}

/** One packet without a type byte; what came behind it stays in the stream. */
function readPacket(client: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let read: Buffer = Buffer.alloc(0)
    const settle = (finish: () => void) => {
      client.off('data', take).off('end', end).off('error', fail)
      client.pause()
      finish()
    }
    const end = () => settle(() => reject(new StartupRefusal('08P01', 'the client left before its startup message')))
    const fail = (error: Error) => settle(() => reject(error))
    const take = (chunk: Buffer) => {
      read = Buffer.concat([read, chunk])
      if (read.byteLength < headBytes) return
      const length = read.readInt32BE(0)
      if (length < headBytes || length > mostBytes) {
        settle(() => reject(new StartupRefusal('08P01', 'invalid length of startup packet')))
      } else if (read.byteLength >= length) {
        settle(() => {
          if (read.byteLength > length) client.unshift(read.subarray(length))
          resolve(read.subarray(0, length))
        })
      }
    }
    client.on('data', take).on('end', end).on('error', fail)
    client.resume()
  })
}
