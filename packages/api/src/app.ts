import type { Database } from '@millrace/db/database'
import { readiness } from '@millrace/db/readiness'
import { Hono, type Context as HonoContext } from 'hono'
import type { Answer } from './answer.ts'
import { createAccessTokens, type AccessTokens } from './auth/tokens.ts'
import type { Refusal } from './errors.ts'
import { faultOf } from './faults.ts'
import type { Log } from './log.ts'
import { crossOrigin } from './middleware/cross-origin.ts'
import { exchanges, type ExchangeVariables } from './middleware/exchange.ts'
import { problemOf } from './problem.ts'
import { admit } from './request/admit.ts'
import { isNotModified } from './request/preconditions.ts'
import type { Refused } from './result.ts'
import type { Route } from './route.ts'
import { logIn } from './routes/auth/login.ts'
import { getMe } from './routes/auth/me.ts'
import { registerAccount } from './routes/auth/register.ts'
import { getHealth } from './routes/operations/healthz.ts'
import { getReadiness } from './routes/operations/readyz.ts'
import { getRoot } from './routes/operations/root.ts'
import { getVersion } from './routes/versions/get.ts'
import { getVersions } from './routes/versions/list.ts'
import { postWorkflow } from './routes/workflows/create.ts'
import { getWorkflow } from './routes/workflows/get.ts'
import { getWorkflows } from './routes/workflows/list.ts'
import { deleteWorkflow } from './routes/workflows/remove.ts'
import { patchWorkflow } from './routes/workflows/update.ts'
import type { Settings } from './settings.ts'

/** Everything that the API serves, top to bottom. A literal path stands before one with a parameter in its place. */
export const routes: readonly Route[] = [
  getRoot,
  getHealth,
  getReadiness,

  registerAccount,
  logIn,
  getMe,

  postWorkflow,
  getWorkflows,
  getWorkflow,
  patchWorkflow,
  deleteWorkflow,
  getVersions,
  getVersion,
]

export interface AppOptions {
  readonly settings: Settings
  readonly database: Database
  readonly clock?: () => Date
  readonly log: Log
}

type AppContext = HonoContext<ExchangeVariables>

/** The app, built from the table: 404 and 405 with `Allow` follow from it, and HEAD is served as GET. */
export function createApp({ settings, database, log, clock = () => new Date() }: AppOptions): Hono<ExchangeVariables> {
  const tokens = createAccessTokens(settings.authKeys)
  const app = new Hono<ExchangeVariables>()
  const { slowQueryMilliseconds, logLevel, corsOrigins } = settings
  app.use(exchanges({ clock, log, slowQueryMilliseconds, logsTrips: logLevel === 'debug' }))
  if (corsOrigins.length > 0) app.use(crossOrigin(corsOrigins))
  for (const [path, ofPath] of Map.groupBy(routes, (route) => route.path)) {
    const allow = allowOf(ofPath)
    app.all(honoPath(path), async (c) => {
      c.var.exchange.route = path
      if (c.req.method === 'OPTIONS') return c.body(null, 204, { Allow: allow })
      const method = c.req.method === 'HEAD' ? 'GET' : c.req.method
      const route = ofPath.find((candidate) => candidate.method === method)
      if (route === undefined) return writeRefusal(c, { code: 'method_not_allowed' }, allow)
      const answer = await serve(c, route, { settings, database, clock, tokens })
      return answer.ok ? writeAnswer(c, answer) : writeRefusal(c, answer.refusal)
    })
  }
  app.notFound((c) => writeRefusal(c, { code: 'not_found', detail: 'No route has this path.' }))
  app.onError((thrown, c) => {
    const { refusal, cause, cure } = faultOf(thrown)
    Object.assign(c.var.exchange, { cause, cure })
    return writeRefusal(c, refusal)
  })
  return app
}

interface Parts extends Required<Pick<AppOptions, 'settings' | 'database' | 'clock'>> {
  readonly tokens: AccessTokens
}

async function serve(c: AppContext, route: Route, parts: Parts): Promise<Answer | Refused> {
  const { settings, clock, tokens } = parts
  const { maxBodyBytes } = settings
  const admitted = await admit(route, c.req.raw, { maxBodyBytes, tokens, at: clock() })
  if (!admitted.ok) return admitted
  const { caller, sessionId, incoming } = admitted
  if (caller.kind === 'user') c.var.exchange.userId = caller.userId
  const { exchange } = c.var
  const context = {
    store: parts.database.store(exchange),
    readiness: () => readiness(parts.database, exchange),
    caller,
    sessionId,
    clock,
    settings,
    tokens,
  }
  return route.respond(context, incoming)
}

function writeAnswer(c: AppContext, { status, headers, body }: Answer): Response {
  const isRead = c.req.method === 'GET' || c.req.method === 'HEAD'
  const tag = headers['ETag']
  if (isRead && tag !== undefined && isNotModified(c.req.raw.headers.get('If-None-Match'), tag)) {
    return c.body(null, 304, { ETag: tag })
  }
  return new Response(body, { status, headers })
}

function writeRefusal(c: AppContext, refusal: Refusal, allow?: string): Response {
  const { exchange } = c.var
  exchange.code = refusal.code
  const hasToken = c.req.raw.headers.has('Authorization')
  const { status, headers, body } = problemOf(refusal, { requestId: exchange.requestId, allow, hasToken })
  return new Response(body, { status, headers })
}

function allowOf(ofPath: readonly Route[]): string {
  const methods = ofPath.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return methods.join(', ')
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
