import { Client, DatabaseError as NeonServerError } from '@neondatabase/serverless'
import { postgresError } from '@millrace/db/dialects/postgres/errors'
import type { DatabaseError } from '@millrace/db/sql/errors'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import { beginRepeatable } from '../consistent-snapshot.ts'
import { connectionTrouble, wordsAlone } from '../connection-failure.ts'
import { tokenProtocolStart } from '../gateway-wire.ts'
import type { Endpoint } from '../trips.ts'
import { postgres } from '@millrace/db/dialects/postgres/dialect'
import { readNeonError } from './errors.ts'
import { asText, connectionString, type PostgresTarget } from './transport.ts'

/** Path of the gateway's WebSocket, as of Neon's own. */
const webSocketPath = '/v2'

/** A read-only repeatable-read transaction over Neon's WebSocket. */
export async function openPostgresSnapshot(target: PostgresTarget, endpoint: Endpoint): Promise<Snapshot> {
  const client = new Client({ connectionString: connectionString(target, endpoint) })
  const { gatewayUrl, gatewayToken } = endpoint
  if (gatewayUrl !== undefined) leadToGateway(client, gatewayUrl)
  const line = watchLine(client, gatewayToken === undefined ? [] : [tokenProtocol(gatewayToken)])
  const snapshot: Snapshot = {
    dialect: postgres,
    async run({ text, parameters }) {
      const query = { text, values: [...parameters], rowMode: 'array', types: asText } as const
      const { rows, rowCount } = await line.orBroken(() => client.query<unknown[]>(query))
      return { rows, affected: rowCount ?? 0 }
    },
    async close() {
      // The server rolls back what a closed connection left open.
      await line.orBroken(() => client.end()).catch(() => undefined)
    },
  }
  try {
    await line.orBroken(() => client.connect())
  } catch (thrown) {
    await snapshot.close()
    throw thrown
  }
  return beginRepeatable(snapshot)
}

interface Line {
  /**
   * Does something over the WebSocket, unless it is broken or breaks meanwhile.
   * @throws DatabaseError
   */
  orBroken<Result>(work: () => Promise<Result>): Promise<Result>
}

/** Watches the WebSocket under a client, which by itself waits for ever when its WebSocket is refused or ends. */
function watchLine(client: Client, protocols: readonly string[]): Line {
  // Not one promise raced against: it would keep every answer for as long as it is open itself.
  const waiting = new Set<() => void>()
  let isBroken = false
  const breakLine = () => {
    isBroken = true
    for (const fail of waiting) fail()
  }
  client.neonConfig.webSocketConstructor = class extends WebSocket {
    constructor(url: string) {
      super(url, [...protocols])
      this.addEventListener('close', breakLine)
      this.addEventListener('error', breakLine)
    }
  }
  // An error between two statements; the WebSocket ends with it.
  client.on('error', breakLine)
  return {
    async orBroken(work) {
      const broken = Promise.withResolvers<never>()
      const fail = () => broken.reject(new Error('the WebSocket ended'))
      waiting.add(fail)
      try {
        if (isBroken) fail()
        return await (isBroken ? broken.promise : Promise.race([work(), broken.promise]))
      } catch (thrown) {
        throw readSocketError(thrown)
      } finally {
        waiting.delete(fail)
      }
    },
  }
}

/** Over a WebSocket PostgreSQL's own errors come, where HTTP has them wrapped. */
function readSocketError(thrown: unknown): DatabaseError {
  if (!(thrown instanceof NeonServerError)) return readNeonError(thrown)
  const { code = '', severity, message, constraint, column } = thrown
  return postgresError({ code, severity, message: wordsAlone(message), constraint, column }, connectionTrouble(message))
}

/** The gateway pipes bytes and does TLS to the server itself, so the client speaks PostgreSQL's protocol in the clear. */
function leadToGateway({ neonConfig }: Client, gatewayUrl: URL): void {
  neonConfig.wsProxy = () => `${gatewayUrl.host}${webSocketPath}`
  neonConfig.useSecureWebSocket = gatewayUrl.protocol === 'https:'
  neonConfig.pipelineConnect = false
  neonConfig.pipelineTLS = false
  neonConfig.forceDisablePgSSL = true
}

/** The subprotocol that carries the token; in hexadecimal, which any token can be written in. */
function tokenProtocol(token: string): string {
  const bytes = new TextEncoder().encode(token)
  return `${tokenProtocolStart}${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
