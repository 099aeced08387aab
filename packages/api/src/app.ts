import type { Caller } from '@millrace/db/access/access'
import type { Database } from '@millrace/db/store/database'
import { touchApiKey } from '@millrace/db/repositories/accounts/api-keys'
import { readiness } from '@millrace/db/store/readiness'
import type { TripObserver } from '@millrace/db/sql/transport'
import { Hono, type Context as HonoContext } from 'hono'
import type { Answer } from './answer.ts'
import { createKeyUses } from './auth/key-uses.ts'
import type { ReadAsset } from './assets.ts'
import type { ScheduledBackups } from './backups/scheduled.ts'
import { consoleFile } from './console/files.ts'
import { consoleSession } from './console/session.ts'
import { createAccessTokens, type AccessTokens } from './auth/tokens.ts'
import type { Refusal } from './errors.ts'
import { faultOf } from './faults.ts'
import type { Log } from './log.ts'
import { IsolateMetrics } from './metrics/isolate.ts'
import { crossOrigin } from './middleware/cross-origin.ts'
import { exchanges, respond, type ExchangeVariables } from './middleware/exchange.ts'
import { readsToTheEnd } from './middleware/unread-body.ts'
import { networkOf } from './network.ts'
import { problemOf } from './problem.ts'
import { Replica } from './replica.ts'
import { admit } from './request/admit.ts'
import type { Incoming } from './request/incoming.ts'
import { idOf } from './request/input.ts'
import { checkAccess } from './request/order.ts'
import { isNotModified } from './request/preconditions.ts'
import type { Refused } from './result.ts'
import type { Route, RouteContext } from './route.ts'
import { getBackup } from './routes/admin/get-backup.ts'
import { getBackups } from './routes/admin/list-backups.ts'
import { getUsers } from './routes/admin/list-users.ts'
import { postBackup } from './routes/admin/start-backup.ts'
import { getStatus } from './routes/admin/status.ts'
import { patchUser } from './routes/admin/update-user.ts'
import { postApiKey } from './routes/api-keys/create.ts'
import { getApiKeys } from './routes/api-keys/list.ts'
import { deleteApiKey } from './routes/api-keys/remove.ts'
import { getAudit } from './routes/audit/list.ts'
import { deleteSession } from './routes/auth/end-session.ts'
import { deleteMe } from './routes/auth/leave.ts'
import { logIn } from './routes/auth/login.ts'
import { logOut } from './routes/auth/logout.ts'
import { postPassword } from './routes/auth/password.ts'
import { refreshTokens } from './routes/auth/refresh.ts'
import { postRecover } from './routes/auth/recover.ts'
import { postReset } from './routes/auth/reset.ts'
import { getSessions } from './routes/auth/sessions.ts'
import { getMe } from './routes/auth/me.ts'
import { registerAccount } from './routes/auth/register.ts'
import { postCancel } from './routes/executions/cancel.ts'
import { postClaim } from './routes/executions/claim.ts'
import { postExecution } from './routes/executions/create.ts'
import { getExecution } from './routes/executions/get.ts'
import { postHeartbeat } from './routes/executions/heartbeat.ts'
import { getEvents } from './routes/executions/events.ts'
import { getStep } from './routes/executions/get-step.ts'
import { getHistory } from './routes/executions/history.ts'
import { getSignals } from './routes/executions/list-signals.ts'
import { getSteps } from './routes/executions/list-steps.ts'
import { getExecutions } from './routes/executions/list.ts'
import { postSteps } from './routes/executions/record-steps.ts'
import { deleteExecution } from './routes/executions/remove.ts'
import { postSignal } from './routes/executions/signal.ts'
import { patchExecution } from './routes/executions/report.ts'
import { postResume } from './routes/executions/resume.ts'
import { postRetry } from './routes/executions/retry.ts'
import { getDocs, getDocsFile } from './routes/operations/docs.ts'
import { getHealth } from './routes/operations/healthz.ts'
import { getOpenApi } from './routes/operations/openapi.ts'
import { getMetrics } from './routes/operations/metrics.ts'
import { getReadiness } from './routes/operations/readyz.ts'
import { getRoot } from './routes/operations/root.ts'
import { postSchedule } from './routes/schedules/create.ts'
import { getSchedule } from './routes/schedules/get.ts'
import { getSchedules } from './routes/schedules/list.ts'
import { deleteSchedule } from './routes/schedules/remove.ts'
import { patchSchedule } from './routes/schedules/update.ts'
import { getUserSettings } from './routes/settings/get.ts'
import { putUserSettings } from './routes/settings/put.ts'
import { postReveal } from './routes/settings/reveal.ts'
import { patchUserSettings } from './routes/settings/update.ts'
import { getShares } from './routes/shares/list.ts'
import { postShare } from './routes/shares/put.ts'
import { deleteShare } from './routes/shares/remove.ts'
import { getDifference } from './routes/versions/diff.ts'
import { getVersion } from './routes/versions/get.ts'
import { getVersions } from './routes/versions/list.ts'
import { postRestoration } from './routes/versions/restore.ts'
import { postWorkflows } from './routes/workflows/batch.ts'
import { postWorkflow } from './routes/workflows/create.ts'
import { getWorkflow } from './routes/workflows/get.ts'
import { getWorkflows } from './routes/workflows/list.ts'
import { deleteWorkflow } from './routes/workflows/remove.ts'
import { postTransfer } from './routes/workflows/transfer.ts'
import { patchWorkflow } from './routes/workflows/update.ts'
import type { Settings } from './settings.ts'

/** Everything that the API serves, top to bottom. A literal path stands before one with a parameter in its place. */
const table = [
  getRoot,
  getHealth,
  getReadiness,
  getMetrics,
  getOpenApi,
  getDocs,
  getDocsFile,

  registerAccount,
  logIn,
  refreshTokens,
  logOut,
  getMe,
  deleteMe,
  getSessions,
  deleteSession,
  postPassword,
  postRecover,
  postReset,
  postApiKey,
  getApiKeys,
  deleteApiKey,

  postWorkflow,
  postWorkflows,
  getWorkflows,
  getWorkflow,
  patchWorkflow,
  deleteWorkflow,
  postTransfer,
  getVersions,
  getVersion,
  postRestoration,
  getDifference,
  getShares,
  postShare,
  deleteShare,

  postExecution,
  getExecutions,
  postClaim,
  getExecution,
  patchExecution,
  deleteExecution,
  postHeartbeat,
  postCancel,
  postResume,
  postRetry,
  postSteps,
  getSteps,
  getStep,
  getHistory,
  postSignal,
  getSignals,
  getEvents,

  getSchedules,
  postSchedule,
  getSchedule,
  patchSchedule,
  deleteSchedule,

  getUserSettings,
  putUserSettings,
  patchUserSettings,
  postReveal,

  getAudit,

  getStatus,
  getUsers,
  patchUser,
  getBackups,
  postBackup,
  getBackup,
] as const satisfies readonly Route[]

/** The table with each route's own types. */
export type Routes = typeof table

export const routes: readonly Route[] = table

export interface AppOptions {
  readonly settings: Settings
  readonly database: Database
  /** Where lists and histories are read, unless a request wants them fresh. */
  readonly replica?: Database | undefined
  readonly clock?: () => Date
  readonly log: Log
  readonly readAsset?: ReadAsset | undefined
  /** Undefined where no bucket is bound. */
  readonly backups?: ScheduledBackups | undefined
  /** What the isolate counts; its own when absent. */
  readonly metrics?: IsolateMetrics
}

type AppContext = HonoContext<ExchangeVariables>

/** The app, built from the table: 404 and 405 with `Allow` follow from it, and HEAD is served as GET. */
export function createApp({
  settings,
  database,
  replica: replicaDatabase,
  log,
  readAsset,
  backups,
  clock = () => new Date(),
  metrics = new IsolateMetrics(),
}: AppOptions): Hono<ExchangeVariables> {
  const tokens = createAccessTokens(settings.authKeys)
  const noteUse = createKeyUses()
  const replica = replicaDatabase && new Replica({ database: replicaDatabase, clock, log, metrics })
  const app = new Hono<ExchangeVariables>()
  const { slowQueryMilliseconds, logLevel, corsOrigins } = settings
  app.use(readsToTheEnd)
  const sharesHeaders = corsOrigins.length > 0
  app.use(exchanges({ clock, log, slowQueryMilliseconds, logsTrips: logLevel === 'debug', sharesHeaders, metrics }))
  if (sharesHeaders) app.use(crossOrigin(corsOrigins))
  const parts = {
    settings,
    database,
    replica,
    replicaDatabase,
    clock,
    tokens,
    noteUse,
    log,
    readAsset,
    backups,
    metrics,
  }
  serveConsole(app, parts)
  app.get('/docs/', (c) => {
    c.var.exchange.route = '/docs'
    return c.redirect('/docs', 308)
  })
  for (const [path, ofPath] of Map.groupBy(routes, (route) => route.path)) {
    const allow = allowOf(ofPath)
    app.all(honoPath(path), async (c) => {
      c.var.exchange.route = path
      if (c.req.method === 'OPTIONS') return c.body(null, 204, { Allow: allow })
      const method = c.req.method === 'HEAD' ? 'GET' : c.req.method
      const route = ofPath.find((candidate) => candidate.method === method)
      if (route === undefined) return writeRefusal(c, { code: 'method_not_allowed' }, allow)
      const answer = await serve(c, route, parts)
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

interface Parts extends Required<Pick<AppOptions, 'settings' | 'database' | 'clock' | 'log' | 'metrics'>> {
  readonly replica: Replica | undefined
  readonly replicaDatabase: Database | undefined
  readonly tokens: AccessTokens
  readonly readAsset: ReadAsset | undefined
  readonly backups: ScheduledBackups | undefined
  readonly noteUse: ReturnType<typeof createKeyUses>
}

/** The console is no part of the API: its page and files, and its sessions, stand beside the table. */
function serveConsole(app: Hono<ExchangeVariables>, parts: Parts): void {
  app.all('/console/session/:step', async (c) => {
    c.var.exchange.route = '/console/session/{step}'
    const { answer, cookie } = await consoleSession(c.req.param('step'), c.req.raw, (route, request) =>
      serve(c, route, parts, request),
    )
    const response = answer.ok
      ? writeAnswer(c, answer)
      : writeRefusal(c, answer.refusal, answer.refusal.code === 'method_not_allowed' ? 'POST' : undefined)
    response.headers.set('Cache-Control', 'no-store')
    if (cookie !== undefined) response.headers.set('Set-Cookie', cookie)
    return response
  })
  for (const path of ['/console', '/console/*']) {
    app.all(path, async (c) => {
      c.var.exchange.route = path
      if (c.req.method !== 'GET' && c.req.method !== 'HEAD') {
        return writeRefusal(c, { code: 'method_not_allowed' }, 'GET, HEAD')
      }
      const file = await consoleFile(parts.readAsset, c.req.path)
      return file.ok ? writeAnswer(c, file) : writeRefusal(c, file.refusal)
    })
  }
}

async function serve(
  c: AppContext,
  route: Route,
  parts: Parts,
  request: Request = c.req.raw,
): Promise<Answer | Refused> {
  const { settings, clock, tokens } = parts
  const { maxBodyBytes, metricsTokens, trustedProxies } = settings
  const { requestId } = c.var.exchange
  const origin = { requestId, network: networkOf(c.req.raw.headers, trustedProxies) }
  const admitted = await admit(route, request, { maxBodyBytes, tokens, metricsTokens, origin, at: clock() })
  if (!admitted.ok) return admitted
  const { caller, sessionId, scopes, expiresAt, incoming } = admitted
  const { exchange } = c.var
  const isKey = caller.kind === 'user' && caller.keySha256 !== undefined
  if (caller.kind === 'user' && !isKey) exchange.userId = caller.userId
  const context = {
    store: parts.database.store(exchange),
    readiness: () => readiness(parts.database, exchange),
    pendingMigrations: () => parts.database.pendingMigrations(exchange),
    poolStatus: () => parts.database.poolStatus(),
    checklist: async (applied: readonly string[]) => {
      // Seldom asked for, so loaded when it is.
      const { runChecklist } = await import('./checklist/run.ts')
      const { database, replicaDatabase: replica } = parts
      return runChecklist({ database, replica, settings, clock, applied, observer: exchange })
    },
    metrics: parts.metrics,
    caller,
    origin,
    sessionId,
    scopes,
    expiresAt,
    clock,
    log: parts.log,
    settings,
    accessTokens: tokens,
    readAsset: parts.readAsset,
    backups: parts.backups,
    afterwards: (work: () => Promise<void>) => doAfterwards(c, parts, work),
  }
  const lagging =
    route.mayLag === true ? await answerOfReplica(parts.replica, route, context, incoming, exchange) : undefined
  const answer = lagging ?? (await route.respond(context, incoming))
  if (!answer.ok && answer.refusal.code === 'unauthenticated') exchange.userId = undefined
  else if (isKey) {
    // A key says itself whose it is: until it is found, nobody has said so.
    exchange.userId = caller.userId
    noteKeyUse(c, caller, parts)
  }
  return answer
}

/** The replica's answer, where it has one that the caller may read by what the primary says. */
function answerOfReplica(
  replica: Replica | undefined,
  route: Route,
  context: RouteContext,
  incoming: Incoming,
  observer: TripObserver,
): Promise<Answer | undefined> | undefined {
  const pathId = idOf(route, incoming.pathname)
  return replica?.answer(incoming.headers, observer, {
    requestId: context.origin.requestId,
    respond: (store) => route.respond({ ...context, store }, incoming),
    objection: () => checkAccess(route, context, incoming, { pathId, isPathUnknown: false }),
  })
}

/** After the answer, which it costs nothing: what it writes is no trip of the request. */
function noteKeyUse(c: AppContext, caller: Caller, parts: Parts): void {
  const { database, clock, noteUse } = parts
  if (caller.kind === 'anonymous' || caller.keySha256 === undefined) return
  const use = noteUse(caller.keySha256, clock())
  if (use === undefined) return
  doAfterwards(c, parts, () => touchApiKey(database.store(), use))
}

/** Outside of workerd too, where nobody waits for it. */
function doAfterwards(c: AppContext, { log }: Pick<Parts, 'log'>, work: () => Promise<void>): void {
  const { requestId } = c.var.exchange
  const done = work().catch((thrown: unknown) => {
    const { cause, cure } = faultOf(thrown)
    log({ level: 'warn', event: 'afterwards_failed', requestId, cause, cure })
  })
  executionOf(c)?.waitUntil(done)
}

/** What keeps the isolate at work after an answer; undefined outside of workerd. */
function executionOf(c: AppContext): AppContext['executionCtx'] | undefined {
  try {
    return c.executionCtx
  } catch {
    return undefined
  }
}

function writeAnswer(c: AppContext, { status, headers, body }: Answer): Response {
  const isRead = c.req.method === 'GET' || c.req.method === 'HEAD'
  const tag = headers['ETag']
  if (isRead && tag !== undefined && isNotModified(c.req.raw.headers.get('If-None-Match'), tag)) {
    return respond(c, { status: 304, headers: { ETag: tag }, body: null })
  }
  return respond(c, { status, headers, body })
}

function writeRefusal(c: AppContext, refusal: Refusal, allow?: string): Response {
  const { exchange } = c.var
  exchange.code = refusal.code
  const hasToken = c.req.raw.headers.has('Authorization')
  return respond(c, problemOf(refusal, { requestId: exchange.requestId, allow, hasToken }))
}

function allowOf(ofPath: readonly Route[]): string {
  const methods = ofPath.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return methods.join(', ')
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
