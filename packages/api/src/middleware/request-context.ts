import type { TripObserver } from '@millrace/db/sql/transport'
import type { Context, MiddlewareHandler } from 'hono'
import { discardUnread } from '../request/discard.ts'
import { newId } from '../ids.ts'
import type { Log, LogEntry } from '../log.ts'
import type { ErrorCode } from '../errors.ts'
import type { CountedRequest, IsolateMetrics } from '../metrics/isolate.ts'
import { readTraceContext, type TraceContext } from '../trace-context.ts'

interface Trip {
  readonly milliseconds: number
  readonly statement: string
  readonly parameterTypes: () => readonly string[]
}

type ReportTrip = (requestId: string, trip: Trip) => void

/** What is known of one request and its answer, for headers and the log. */
export class RequestContext implements TripObserver {
  readonly requestId: string
  /** The route's pattern; `*` for a path that nothing has. */
  route = '*'
  userId: string | undefined
  code: ErrorCode | undefined
  cause: string | undefined
  fix: string | undefined
  trips = 0
  databaseMilliseconds = 0
  /** Whether the answer has the context's headers. */
  hasHeaders = false
  /** Whether others add headers to the answer: Hono then makes a new one of it. */
  readonly sharesHeaders: boolean
  readonly #startedAt = performance.now()
  #tripsEndedAt = 0
  readonly #trace: TraceContext | undefined
  readonly #report: ReportTrip

  constructor(requestId: string, trace: TraceContext | undefined, report: ReportTrip, sharesHeaders: boolean) {
    this.requestId = requestId
    this.sharesHeaders = sharesHeaders
    this.#trace = trace
    this.#report = report
  }

  get traceId(): string | undefined {
    return this.#trace?.traceId
  }

  get traceHeaders(): TraceContext['headers'] | undefined {
    return this.#trace?.headers
  }

  trip(milliseconds: number, statement: string, parameterTypes: () => readonly string[]): void {
    this.trips += 1
    // Round trips at the same time: the time that passed counts once.
    const now = performance.now()
    this.databaseMilliseconds += Math.min(milliseconds, now - this.#tripsEndedAt)
    this.#tripsEndedAt = now
    this.#report(this.requestId, { milliseconds, statement, parameterTypes })
  }

  get milliseconds(): number {
    return performance.now() - this.#startedAt
  }

  /** `Server-Timing`: what the database took, in how many round trips, and what the function itself took. */
  get serverTiming(): string {
    const trips = this.trips === 1 ? '1 trip' : `${this.trips} trips`
    const app = Math.max(0, this.milliseconds - this.databaseMilliseconds)
    return `db;dur=${inTenths(this.databaseMilliseconds)};desc="${trips}", app;dur=${inTenths(app)}`
  }
}

function inTenths(milliseconds: number): string {
  return String(Math.round(milliseconds * 10) / 10)
}

export interface RequestVariables {
  readonly Variables: { requestContext: RequestContext }
}

export type AppContext = Context<RequestVariables>

interface Written {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | ReadableStream | null
}

/**
 * An answer with the context's headers. They are given to it at once where nothing else adds any: on Node a header that
 * is set on a Response costs several times as much.
 */
export function respond(c: AppContext, { status, headers, body }: Written): Response {
  const requestContext = c.get('requestContext')
  if (requestContext.sharesHeaders) return new Response(body, { status, headers })
  requestContext.hasHeaders = true
  const all = { ...headers }
  setHeaders(c, status, all)
  return new Response(body, { status, headers: all })
}

function addHeaders(c: AppContext, { headers, status }: Response): void {
  const own: Record<string, string> = {}
  const caching = headers.get('Cache-Control')
  if (caching !== null) own['Cache-Control'] = caching
  setHeaders(c, status, own)
  const { Vary: vary, ...others } = own
  for (const [name, value] of Object.entries(others)) headers.set(name, value)
  if (vary !== undefined) headers.append('Vary', vary)
}

interface RequestContextOptions {
  readonly clock: () => Date
  readonly log: Log
  readonly logsTrips: boolean
  readonly slowQueryMilliseconds: number
  /** Adds its headers to answers, and answers preflights itself; undefined: none does. */
  readonly crossOrigin: MiddlewareHandler | undefined
  readonly metrics: IsolateMetrics
}

/** Of an app that makes no trips, and adds no headers of other origins. */
export const withoutTrips = {
  logsTrips: false,
  slowQueryMilliseconds: Number.POSITIVE_INFINITY,
  crossOrigin: undefined,
} as const

/** What answers a request. */
export type Handle = (c: AppContext) => Response | Promise<Response>

/**
 * Opens and closes each request's context around what handles it: its id, the headers that all answers have, and its line in
 * the log. A function around each handler and no middleware of Hono's, which costs a request three more promises each time.
 */
export function requestContexts(options: RequestContextOptions): (handle: Handle) => Handle {
  const report: ReportTrip = (requestId, { milliseconds, statement, parameterTypes }) => {
    const parameters = options.logsTrips ? { parameters: parameterTypes() } : {}
    const entry = { requestId, milliseconds: Math.round(milliseconds), statement, ...parameters }
    const isSlow = milliseconds >= options.slowQueryMilliseconds
    options.metrics.trip(milliseconds, { isSlow })
    if (isSlow) options.log({ level: 'warn', event: 'slow_query', ...entry })
    else if (options.logsTrips) options.log({ level: 'debug', event: 'trip', ...entry })
  }
  return (handle) => async (c) => {
    const { raw } = c.req
    const { headers: given } = raw
    const requestContext = new RequestContext(
      requestIdOf(given, options.clock),
      readTraceContext(given),
      report,
      options.crossOrigin !== undefined,
    )
    c.set('requestContext', requestContext)
    const { crossOrigin } = options
    const response = await (crossOrigin === undefined ? handle(c) : handleWithin(crossOrigin, c, handle))
    const { status } = response
    if (!requestContext.hasHeaders) addHeaders(c, response)
    const method = knownMethods.has(raw.method) ? raw.method : 'other'
    const { route, milliseconds } = requestContext
    options.log(entryOf(requestContext, { method, status, milliseconds }))
    options.metrics.request({ method, route, status, milliseconds })
    if (method !== 'GET' && method !== 'HEAD') await discardUnread(raw)
    return response
  }
}

async function handleWithin(middleware: MiddlewareHandler, c: AppContext, handle: Handle): Promise<Response> {
  const answered = await middleware(c, async () => {
    c.res = await handle(c)
  })
  return answered ?? c.res
}

/** A method can be any word of the caller's. */
const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function requestIdOf(headers: Headers, clock: () => Date): string {
  const given = headers.get('X-Request-Id')
  return given !== null && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : newId(clock())
}

/** What a log-in answers is nobody else's, though its caller was anonymous: only reading can be shared. */
function isShareable(method: string, status: number, { userId }: RequestContext): boolean {
  return userId === undefined && (method === 'GET' || method === 'HEAD') && (status === 200 || status === 304)
}

/** Sets those that all answers have. */
function setHeaders(c: AppContext, status: number, headers: Record<string, string>): void {
  const requestContext = c.get('requestContext')
  const { path, method } = c.req
  headers['X-Request-Id'] = requestContext.requestId
  headers['Server-Timing'] = requestContext.serverTiming
  headers['X-Content-Type-Options'] = 'nosniff'
  const isApi = path.startsWith('/v1/') || path === '/v1'
  if (isApi) headers['Vary'] = 'Authorization'
  // A file that is named by its content says itself how long it holds.
  if (headers['Cache-Control'] !== undefined) return
  if (isShareable(method, status, requestContext)) headers['Cache-Control'] = 'no-cache'
  else if (isApi) headers['Cache-Control'] = 'no-store'
}

function entryOf(
  requestContext: RequestContext,
  { method, status, milliseconds }: Pick<CountedRequest, 'method' | 'status' | 'milliseconds'>,
): LogEntry {
  const { requestId, route, trips, traceId, userId, code, cause, fix } = requestContext
  return {
    level: status >= 500 ? 'error' : 'info',
    event: 'request',
    requestId,
    method,
    route,
    status,
    milliseconds: Math.round(milliseconds),
    databaseMilliseconds: Math.round(requestContext.databaseMilliseconds),
    trips,
    traceId,
    userId,
    code,
    cause,
    cure: fix,
  }
}
