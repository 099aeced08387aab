import { Client, DatabaseError as NeonServerError, NeonDbError } from '@neondatabase/serverless'
import type { DatabaseError } from '../../errors.ts'
import type { Snapshot } from '../../snapshot.ts'
import { plain } from '../plain.ts'
import type { Endpoint } from '../trips.ts'
import { postgres } from './dialect.ts'
import { readPostgresError } from './errors.ts'
import { asText, connectionString, type PostgresTarget } from './transport.ts'

/** Path of the gateway's WebSocket, as of Neon's own. */
const webSocketPath = '/v2'

/** A read-only repeatable-read transaction over Neon's WebSocket. The first read takes the snapshot. */
export async function openPostgresSnapshot(target: PostgresTarget, endpoint: Endpoint): Promise<Snapshot> {
  const client = new Client({ connectionString: connectionString(target, endpoint) })
  if (endpoint.gatewayUrl !== undefined) leadToGateway(client, endpoint.gatewayUrl, endpoint.gatewayToken)
  let broken: Error | undefined
  // An error between two statements: the next statement tells of it.
  client.on('error', (error) => {
    broken = error
  })
  const snapshot: Snapshot = {
    dialect: postgres,
    async run({ text, parameters }) {
      try {
        if (broken !== undefined) throw broken
        const { rows, rowCount } = await client.query<unknown[]>({
          text,
          values: [...parameters],
          rowMode: 'array',
          types: asText,
        })
        return { rows, affected: rowCount ?? 0 }
      } catch (thrown) {
        throw readSocketError(thrown)
      }
    },
    async close() {
      // The server rolls back what a closed connection left open.
      await client.end().catch(() => undefined)
    },
  }
  try {
    await connect(client)
    await snapshot.run(plain('begin transaction isolation level repeatable read, read only'))
    // The reader may be busy with rows for longer than the server lets a transaction idle.
    await snapshot.run(plain('set local idle_in_transaction_session_timeout = 0'))
    await snapshot.run(plain('select count(*) from "marks"'))
    return snapshot
  } catch (thrown) {
    await snapshot.close()
    throw thrown
  }
}

async function connect(client: Client): Promise<void> {
  try {
    await client.connect()
  } catch (thrown) {
    throw readSocketError(thrown)
  }
}

/** Over a WebSocket PostgreSQL's own errors come, where HTTP has them wrapped. */
function readSocketError(thrown: unknown): DatabaseError {
  if (!(thrown instanceof NeonServerError)) return readPostgresError(thrown)
  const { code, constraint, column } = thrown
  return readPostgresError(Object.assign(new NeonDbError(thrown.message), { code, constraint, column }))
}

/** The gateway pipes bytes and does TLS to the server itself, so the client speaks PostgreSQL's protocol in the clear. */
function leadToGateway({ neonConfig }: Client, gatewayUrl: URL, token: string | undefined): void {
  neonConfig.wsProxy = () => `${gatewayUrl.host}${webSocketPath}`
  neonConfig.useSecureWebSocket = gatewayUrl.protocol === 'https:'
  neonConfig.pipelineConnect = false
  neonConfig.pipelineTLS = false
  neonConfig.forceDisablePgSSL = true
  if (token !== undefined) neonConfig.webSocketConstructor = webSocketWith(token)
}

/** A WebSocket can send no headers of its own: the token goes as a subprotocol, hexadecimal, which any token can be. */
function webSocketWith(token: string) {
  const hexadecimal = [...new TextEncoder().encode(token)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return class extends WebSocket {
    constructor(url: string) {
      super(url, [`millrace-token.${hexadecimal}`])
    }
  }
}
