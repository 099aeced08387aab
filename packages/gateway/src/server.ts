import { setTimeout as delay } from 'node:timers/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { poolStatusPath } from '@millrace/drivers/gateway-wire'
import type { Fetch } from '@millrace/drivers/fetch'
import type { Target } from '@millrace/db/url'
import { type AccessRules, isLoopbackHost, minTokenCharacters, refusalOf, withBearer } from './access.ts'
import { receiveBody } from './body.ts'
import { hranaProtocol } from './hrana.ts'
import { defaultLimits, type GatewayLimits } from './limits.ts'
import { type GatewayLogEntry, type Log, silent } from './log.ts'
import { GatewayMetrics } from './metrics.ts'
import { neonProtocol } from './neon.ts'
import { planetscaleProtocol } from './planetscale.ts'
import type { PoolStatus } from '@millrace/db/sql/transport'
import { jsonReply, refuseTooLarge, refuseUnexpected, type Protocol, type Reply, type Route } from './protocol.ts'
import { TlsFileError } from '@millrace/drivers/native/tls'
import { traceIdOf } from './trace-id.ts'
import { OwnRequests } from './own-requests.ts'
import { servePostgresWebSocket } from './websocket.ts'

export interface GatewayOptions {
  /** A file, or a server reached `via: 'gateway'`. */
  readonly target: Target
  /** The address to listen on, 127.0.0.1 by default. */
  readonly host?: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Demanded in every request but `/healthz`, as the header `X-Millrace-Gateway-Token`. Has to be there beyond loopback. */
  readonly token?: string | undefined
  /** Several tokens that may change, in place of `token`: read at each request. Not empty at the start. */
  readonly tokens?: (() => readonly string[]) | undefined
  /** PlanetScale's own limits, for tests: transactions of 20 s, no foreign keys in DDL. */
  readonly strict?: boolean
  /** MySQL only: count the rows that an UPDATE matched instead of those that it changed. */
  readonly foundRows?: boolean
  /** SQLite only: leave the file as it is, with the journal that it has, since nothing will be written. */
  readonly onlyReads?: boolean
  readonly limits?: Partial<GatewayLimits>
  readonly log?: (entry: GatewayLogEntry) => void
}

export interface Gateway {
  /** `http://host:port`, without a path. */
  readonly url: string
  readonly port: number
  /** For drivers of the same process: as over HTTP, without the way there and back. Asks for no token. */
  readonly fetch: Fetch
  status(): PoolStatus
  /**
   * Lets running requests end, then rolls back what is open and closes the database. Told to wait for transactions, it
   * goes on serving those that are open until they have ended, and refuses new ones; neither for longer than
   * `drainSeconds`.
   */
  close(options?: { readonly waitsForTransactions: boolean }): Promise<void>
}

/** The gateway can't start with these settings, or not at this address. */
export class GatewayStartError extends Error {
  override readonly name = 'GatewayStartError'
  readonly code: 'settings_invalid' | 'port_taken'
  /** The setting that mends it. */
  readonly fix: string

  constructor(code: 'settings_invalid' | 'port_taken', message: string, fix: string) {
    super(message)
    this.code = code
    this.fix = fix
  }
}

/**
 * Serves SQL over HTTP for one database. Throws GatewayStartError when the settings can't be served or the port is
 * taken, SqliteFailure when the file can't be opened. A server that can't be reached yet is no error here: each request
 * says so.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const host = options.host ?? '127.0.0.1'
  const metrics = new GatewayMetrics(options.target.dialect)
  const log = logCounting(options.log ?? silent, metrics)
  const limits = { ...defaultLimits, ...options.limits }
  const rules: AccessRules = { host, tokens: tokensOf(options) }
  refuseOpenDoor(rules)
  const protocol = openProtocol(options, { limits, log, onError: (error) => metrics.error(error) })
  metrics.watchPool(() => protocol.status())
  const isClosing = { now: false }
  const server = createServer({ connectionsCheckingInterval: 500 }, (request, response) => {
    void respond({ request, response, protocol, rules, limits, log, metrics, isClosing })
  })
  boundClients(server, limits)
  const own = new OwnRequests(protocol, { limits, log })
  const webSockets = servePostgresWebSocket(server, options.target, { rules, limits, log })
  try {
    await listen(server, host, options.port ?? 0)
  } catch (error) {
    await protocol.close()
    throw error
  }
  const port = portOf(server)
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  log({ level: 'info', event: 'listening', message: `The gateway for ${protocol.dialect} listens on ${url}.` })
  return {
    url,
    port,
    fetch: (input, init) => own.fetch(input, init),
    status: () => protocol.status(),
    close: async ({ waitsForTransactions } = { waitsForTransactions: false }) => {
      isClosing.now = true
      protocol.beginNoMore()
      webSockets.beginNoMore()
      const isAtWork = () => protocol.status().checkedOut > 0 || webSockets.count() > 0
      if (waitsForTransactions) await untilIdle(isAtWork, limits.drainSeconds)
      webSockets.close()
      await Promise.all([drain(server, limits.drainSeconds), untilIdle(() => own.count > 0, limits.drainSeconds)])
      await protocol.close()
      log({ level: 'info', event: 'closed', message: 'The gateway has closed.' })
    },
  }
}

function tokensOf({ token, tokens }: GatewayOptions): AccessRules['tokens'] {
  if (tokens !== undefined || token === undefined) return tokens
  return () => [token]
}

function refuseOpenDoor({ host, tokens }: AccessRules): void {
  const fix = `Give a token of at least ${minTokenCharacters} random characters (--token-file, DATABASE_GATEWAY_TOKEN).`
  const shortest = Math.min(...(tokens?.() ?? []).map(({ length }) => length))
  if (shortest < minTokenCharacters) {
    throw new GatewayStartError('settings_invalid', `A gateway token has only ${shortest} characters.`, fix)
  }
  if (tokens !== undefined || isLoopbackHost(host)) return
  throw new GatewayStartError(
    'settings_invalid',
    `The gateway would listen on ${host}, beyond this machine, and let anyone use the database without a token.`,
    `${fix} Or let it listen on 127.0.0.1.`,
  )
}

/** Each request's own entry is counted by itself, with its route. */
function logCounting(log: Log, metrics: GatewayMetrics): Log {
  return (entry) => {
    if (entry.event !== 'request') metrics.event(entry)
    log(entry)
  }
}

interface ProtocolParts {
  readonly limits: GatewayLimits
  readonly log: Log
  readonly onError: (error: unknown) => void
}

function openProtocol(options: GatewayOptions, parts: ProtocolParts): Protocol {
  try {
    return protocolFor(options, parts)
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error
    const fix = 'Give the path of a readable PEM file in the option ssl_ca of DATABASE_URL, or leave it out.'
    throw new GatewayStartError('settings_invalid', error.message, fix)
  }
}

function protocolFor(options: GatewayOptions, parts: ProtocolParts): Protocol {
  const { target, strict, foundRows, onlyReads = false } = options
  switch (target.dialect) {
    case 'postgres':
      return neonProtocol(target, parts)
    case 'mysql':
      return planetscaleProtocol(target, { isStrict: strict === true, foundRows: foundRows === true, ...parts })
    case 'sqlite':
      if (target.via === 'file') return hranaProtocol(target, { ...parts, onlyReads })
      throw new GatewayStartError(
        'settings_invalid',
        'A libsql:// database speaks HTTP itself and needs no gateway.',
        'Give the functions this DATABASE_URL, without DATABASE_GATEWAY_URL.',
      )
  }
}

interface RequestContext {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly protocol: Protocol
  readonly rules: AccessRules
  readonly limits: GatewayLimits
  readonly log: Log
  readonly metrics: GatewayMetrics
  readonly isClosing: { readonly now: boolean }
}

async function respond(context: RequestContext): Promise<void> {
  const { request, response, protocol, limits, log } = context
  const startedAtMs = performance.now()
  const client = { isGone: false }
  const ending = new AbortController()
  const timer = setTimeout(() => ending.abort(), limits.requestSeconds * 1000)
  response.on('close', () => {
    clearTimeout(timer)
    client.isGone = !response.writableFinished
    if (client.isGone) ending.abort()
  })
  let reply: Reply
  try {
    reply = await replyFor(context, ending.signal)
  } catch (error) {
    if (client.isGone) return
    reply = refuseUnexpected(protocol, log, pathOf(request), error)
  }
  if (client.isGone) return
  send(context, reply)
  tell(context, reply.status, performance.now() - startedAtMs)
}

/** Counts a request and logs it; what the gateway is asked about itself is neither. */
function tell({ request, protocol, metrics, log }: RequestContext, status: number, milliseconds: number): void {
  const path = pathOf(request)
  if (ownPaths.has(path)) return
  const route = protocol.routes.has(path) ? path : 'other'
  metrics.request({ route, status, seconds: milliseconds / 1000 })
  const message = `${route} was answered ${status} in ${Math.round(milliseconds)} ms.`
  const level = status >= 500 ? 'error' : 'debug'
  log({ level, event: 'request', message, traceId: traceIdOf(request.headers) })
}

const ownPaths: ReadonlySet<string> = new Set(['/healthz', poolStatusPath, '/metrics'])

async function replyFor(context: RequestContext, signal: AbortSignal): Promise<Reply> {
  const { request, protocol, rules, limits, metrics, isClosing } = context
  const path = pathOf(request)
  if (path === '/healthz') {
    const answer = isClosing.now ? jsonReply(503, { status: 'closing' }) : jsonReply(200, { status: 'ok' })
    return methodOr405(request, 'GET') ?? answer
  }
  const refusal = refusalOf(path === '/metrics' ? withBearer(request.headers) : request.headers, rules)
  if (refusal !== undefined) return protocol.refuse(refusal)
  if (path === poolStatusPath) {
    return methodOr405(request, 'GET') ?? jsonReply(200, { dialect: protocol.dialect, ...protocol.status() })
  }
  if (path === '/metrics') return methodOr405(request, 'GET') ?? metrics.reply()
  const route = protocol.routes.get(path)
  if (route === undefined) return jsonReply(404, { message: `The gateway for ${protocol.dialect} has no such path.` })
  const wrongMethod = methodOr405(request, route.method)
  if (wrongMethod !== undefined) return wrongMethod
  return answerRoute(context, route, signal, limits.bodyBytes)
}

async function answerRoute(
  { request, protocol }: RequestContext,
  route: Route,
  signal: AbortSignal,
  maxBytes: number,
): Promise<Reply> {
  const body = route.method === 'POST' ? await receiveBody(request, maxBytes) : { kind: 'text' as const, text: '' }
  switch (body.kind) {
    case 'text':
      return route.answer({ headers: request.headers, body: body.text, signal })
    case 'too_large':
      return refuseTooLarge(protocol, maxBytes)
    case 'not_utf8':
      return protocol.refuse({ status: 400, message: 'The request body is not UTF-8.' })
  }
}

function methodOr405(request: IncomingMessage, method: string): Reply | undefined {
  if (request.method === method) return undefined
  return jsonReply(405, { message: `This path takes only ${method}.` }, { allow: method })
}

function send({ request, response, isClosing }: RequestContext, reply: Reply): void {
  const body = Buffer.from(reply.body, 'utf8')
  // A body that was not read to its end can't be followed by another request on the same connection.
  const isLast = isClosing.now || !request.complete
  response.writeHead(reply.status, {
    ...reply.headers,
    'content-length': body.byteLength,
    'cache-control': 'no-store',
    ...(isLast ? { connection: 'close' } : {}),
  })
  response.end(body)
}

function pathOf(request: IncomingMessage): string {
  const target = request.url ?? '/'
  const end = target.indexOf('?')
  return end === -1 ? target : target.slice(0, end)
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') reject(error)
      else
        reject(
          new GatewayStartError(
            'port_taken',
            `Port ${port} on ${host} is taken.`,
            'Choose another port, or 0 for a free one.',
          ),
        )
    })
    server.listen(port, host, () => resolve())
  })
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Against clients that take their time, or that are too many. Node answers 408, or ends the connection. */
function boundClients(server: Server, { headersSeconds, bodySeconds, connections }: GatewayLimits): void {
  server.headersTimeout = headersSeconds * 1000
  server.requestTimeout = bodySeconds * 1000
  server.maxConnections = connections
  // The default of 5 s would close connections that a driver in workerd is about to use again.
  server.keepAliveTimeout = 65_000
}

const idleCheckMilliseconds = 20

/** Neither loan nor WebSocket tells of its end; a few looks a second cost nothing. */
async function untilIdle(isAtWork: () => boolean, seconds: number): Promise<void> {
  const deadlineMs = performance.now() + seconds * 1000
  while (isAtWork() && performance.now() < deadlineMs) await delay(idleCheckMilliseconds)
}

/** Stops listening and waits for running requests, at most for `seconds`. */
async function drain(server: Server, seconds: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), seconds * 1000)
  await closed
  clearTimeout(timer)
}
