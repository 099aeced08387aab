import type { TripObserver } from '@millrace/db/sql/transport'
import type { MiddlewareHandler } from 'hono'
import { newId } from '../ids.ts'
import type { Log, LogEntry } from '../log.ts'
import type { ErrorCode } from '../errors.ts'
import type { IsolateMetrics } from '../metrics/isolate.ts'
import { readTraceContext, type TraceContext } from '../trace-context.ts'

interface Trip {
  readonly milliseconds: number
  readonly statement: string
  readonly parameterTypes: () => readonly string[]
}

type ReportTrip = (requestId: string, trip: Trip) => void

/** What is known of one request and its answer, for headers and the log. */
export class Exchange implements TripObserver {
  readonly requestId: string
  /** The route's pattern; `*` for a path that nothing has. */
  route = '*'
  userId: string | undefined
  code: ErrorCode | undefined
  cause: string | undefined
  cure: string | undefined
  trips = 0
  databaseMilliseconds = 0
  readonly #startedAt = performance.now()
  #tripsEndedAt = 0
  readonly #trace: TraceContext | undefined
  readonly #report: ReportTrip

  constructor(requestId: string, trace: TraceContext | undefined, report: ReportTrip) {
    this.requestId = requestId
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
    // Of trips side by side the time that passed counts once.
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

export interface ExchangeVariables {
  readonly Variables: { exchange: Exchange }
}

interface ExchangeOptions {
  readonly clock: () => Date
  readonly log: Log
  readonly logsTrips: boolean
  readonly slowQueryMilliseconds: number
  readonly metrics: IsolateMetrics
}

/** Opens and closes every exchange: its id, the headers that all answers have, and its line in the log. */
export function exchanges(options: ExchangeOptions): MiddlewareHandler<ExchangeVariables> {
  const report: ReportTrip = (requestId, { milliseconds, statement, parameterTypes }) => {
    const parameters = options.logsTrips ? { parameters: parameterTypes() } : {}
    const entry = { requestId, milliseconds: Math.round(milliseconds), statement, ...parameters }
    const isSlow = milliseconds >= options.slowQueryMilliseconds
    options.metrics.trip(milliseconds, { isSlow })
    if (isSlow) options.log({ level: 'warn', event: 'slow_query', ...entry })
    else if (options.logsTrips) options.log({ level: 'debug', event: 'trip', ...entry })
  }
  return async (c, next) => {
    const { headers: given } = c.req.raw
    const exchange = new Exchange(requestIdOf(given, options.clock), readTraceContext(given), report)
    c.set('exchange', exchange)
    await next()
    const { headers, status } = c.res
    headers.set('X-Request-Id', exchange.requestId)
    headers.set('Server-Timing', exchange.serverTiming)
    headers.set('X-Content-Type-Options', 'nosniff')
    const isApi = /^\/v1(\/|$)/.test(c.req.path)
    if (isApi) headers.append('Vary', 'Authorization')
    setCaching(headers, {
      isApi,
      isShareable: isShareable(c.req.method, status, exchange),
    })
    const method = knownMethods.has(c.req.method) ? c.req.method : 'other'
    options.log(entryOf(exchange, method, status))
    const { route, milliseconds } = exchange
    options.metrics.request({ method, route, status, milliseconds })
  }
}

/** A method can be any word of the caller's. */
const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function requestIdOf(headers: Headers, clock: () => Date): string {
  const given = headers.get('X-Request-Id')
  return given !== null && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : newId(clock())
}

/** What a log-in answers is nobody else's, though its caller was anonymous: only reading can be shared. */
function isShareable(method: string, status: number, { userId }: Exchange): boolean {
  return userId === undefined && (method === 'GET' || method === 'HEAD') && (status === 200 || status === 304)
}

function setCaching(headers: Headers, answer: { isApi: boolean; isShareable: boolean }): void {
  // A file that is named by its content says itself how long it holds.
  if (headers.has('Cache-Control')) return
  if (answer.isShareable) headers.set('Cache-Control', 'no-cache')
  else if (answer.isApi) headers.set('Cache-Control', 'no-store')
}

function entryOf(exchange: Exchange, method: string, status: number): LogEntry {
  const { requestId, route, trips, traceId, userId, code, cause, cure } = exchange
  return {
    level: status >= 500 ? 'error' : 'info',
    event: 'request',
    requestId,
    method,
    route,
    status,
    milliseconds: Math.round(exchange.milliseconds),
    databaseMilliseconds: Math.round(exchange.databaseMilliseconds),
    trips,
    traceId,
    userId,
    code,
    cause,
    cure,
  }
}
