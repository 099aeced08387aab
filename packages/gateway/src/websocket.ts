import type { IncomingMessage, Server } from 'node:http'
import { type Duplex, finished } from 'node:stream'
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws'
import type { Target } from '@millrace/db/url'
import { type AccessRules, refusalOf, tokenHeader } from './access.ts'
import { connectionFailureWords } from '@millrace/drivers/tcp/connection-trouble'
import type { GatewayLimits } from './limits.ts'
import type { Log } from './log.ts'
import type { RefusedRequest } from './protocol.ts'
import { tokenProtocolStart } from '@millrace/drivers/gateway-wire'
import { openPostgresSocket, socketOptions } from '@millrace/drivers/native/postgres-socket'
import { tlsAttempts } from '@millrace/drivers/native/tls'
import { errorResponse, readStartup, StartupRefusal, startupFor } from './postgres-startup.ts'

/** The path of Neon's own proxy. */
const path = '/v2'

const unreachableSqlState = '08006'

interface WebSocketParts {
  readonly rules: AccessRules
  readonly limits: GatewayLimits
  readonly log: Log
}

const closing: RefusedRequest = { status: 503, message: 'The gateway is shutting down.' }

export interface WebSockets {
  /** Refuses new sessions. */
  beginNoMore(): void
  /** Of sessions that are open. */
  count(): number
  /** Ends every session; the server rolls back what they left open. */
  close(): void
}

/**
 * Serves Neon's WebSocket, which interactive transactions need: PostgreSQL's own protocol, passed on byte by byte to the
 * target. So the server itself checks the password.
 */
export function servePostgresWebSocket(
  server: Server,
  target: Target,
  { rules, limits, log }: WebSocketParts,
): WebSockets {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.bodyBytes,
    handleProtocols: (offered) => [...offered][0] ?? false,
  })
  let isClosing = false
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy())
    if (target.dialect !== 'postgres' || request.url !== path) {
      refuse(stream, 404, 'Not Found')
      return
    }
    const refusal = refusalOf(withToken(request), rules) ?? (isClosing ? closing : undefined)
    if (refusal !== undefined) {
      refuse(stream, refusal.status, refusal.message)
      return
    }
    sockets.handleUpgrade(request, stream, head, (webSocket) => {
      void pass(webSocket, target, { limits, log })
    })
  })
  return {
    beginNoMore() {
      isClosing = true
    },
    count: () => sockets.clients.size,
    close() {
      for (const client of sockets.clients) client.terminate()
      sockets.close()
    },
  }
}

function refuse(stream: Duplex, status: number, message: string): void {
  const body = JSON.stringify({ message })
  stream.end(
    `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

function withToken({ headers }: IncomingMessage): IncomingMessage['headers'] {
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim())
  const token = offered?.find((name) => name.startsWith(tokenProtocolStart))?.slice(tokenProtocolStart.length)
  return token === undefined ? headers : { ...headers, [tokenHeader]: Buffer.from(token, 'hex').toString('utf8') }
}

type PostgresTarget = Extract<Target, { readonly dialect: 'postgres' }>

async function pass(
  webSocket: WebSocket,
  target: PostgresTarget,
  { limits, log }: Pick<WebSocketParts, 'limits' | 'log'>,
): Promise<void> {
  const client = createWebSocketStream(webSocket)
  // A client that breaks off is told of by the end of the pipes.
  client.on('error', () => client.destroy())
  const timer = setTimeout(() => client.destroy(), limits.headersSeconds * 1000)
  try {
    const startup = startupFor(target, await readStartup(client))
    clearTimeout(timer)
    const server = await openPostgresSocket(socketOptions(target, tlsAttempts(target.options, target.host)))
    server.on('error', () => server.destroy())
    finished(client, () => server.destroy())
    finished(server, () => client.destroy())
    server.write(startup)
    client.pipe(server)
    server.pipe(client)
  } catch (error) {
    const isRefusal = error instanceof StartupRefusal
    const message = error instanceof Error ? connectionFailureWords(error) : 'unknown failure'
    if (!isRefusal)
      log({ level: 'error', event: 'connection_failed', message: `PostgreSQL can't be connected to: ${message}` })
    clearTimeout(timer)
    client.end(errorResponse(isRefusal ? error.sqlState : unreachableSqlState, message))
  }
}
