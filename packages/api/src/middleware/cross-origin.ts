import type { HonoRequest, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'

const exposedHeaders = ['ETag', 'Location', 'X-Request-Id', 'Retry-After', 'Idempotency-Replayed', 'Server-Timing']
const allowedHeaders = [
  'Authorization',
  'Content-Type',
  'If-Match',
  'If-None-Match',
  'Idempotency-Key',
  'Last-Event-ID',
  'X-Request-Id',
]
const tracingHeaders = ['traceparent', 'tracestate']
const allowedMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const preflightSeconds = 86_400

/** CORS for browsers on those origins (`*` alone: any; a port `*`: any port). No cookies are used, so no credentials are allowed. */
export function crossOrigin(origins: readonly string[]): MiddlewareHandler {
  const handle = cors({
    origin: origins.includes('*') ? '*' : (origin) => (isAllowed(origins, origin) ? origin : null),
    allowMethods: allowedMethods,
    allowHeaders: [...allowedHeaders, ...tracingHeaders, 'Cache-Control'],
    exposeHeaders: exposedHeaders,
    maxAge: preflightSeconds,
  })
  // An OPTIONS that is no preflight asks what the path takes: the route table answers it.
  return (c, next) => (isPlainOptions(c.req) ? next() : handle(c, next))
}

function isAllowed(origins: readonly string[], origin: string): boolean {
  return origins.includes(origin) || origins.includes(`${origin.replace(/:\d{1,5}$/, '')}:*`)
}

function isPlainOptions({ method, raw }: HonoRequest): boolean {
  return method === 'OPTIONS' && !raw.headers.has('Access-Control-Request-Method')
}
