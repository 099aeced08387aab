import type { Database } from '@millrace/db/store/database'
import { Hono } from 'hono'
import type { RouteResponse } from './response.ts'
import { createKeyUses } from './auth/key-uses.ts'
import type { ReadAsset } from './assets.ts'
import type { ScheduledBackups } from './backups/scheduled.ts'
import { consoleFile } from './console/files.ts'
import { consoleSession } from './console/session.ts'
import { createAccessTokens } from './auth/tokens.ts'
import { faultOf } from './faults.ts'
import type { Log } from './log.ts'
import { IsolateMetrics } from './metrics/isolate.ts'
import { crossOrigin } from './middleware/cross-origin.ts'
import {
  requestContexts,
  respond,
  type AppContext,
  type Handle,
  type RequestVariables,
} from './middleware/request-context.ts'
import { problemOf } from './problem.ts'
import { Replica } from './replica.ts'
import { isNotModified } from './request/preconditions.ts'
import type { Route } from './route.ts'
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
import { serve, type Parts } from './serving.ts'
import type { Settings } from './settings.ts'
import { refuse, type Refused } from './result.ts'

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
  /** Aborts when the process is about to end; nothing ends early when absent. */
  readonly stopping?: AbortSignal | undefined
  /** What the isolate counts; its own when absent. */
  readonly metrics?: IsolateMetrics
}

/** The app, built from the table: 404 and 405 with `Allow` follow from it, and HEAD is served as GET. */
export function createApp({
  settings,
  database,
  replica: replicaDatabase,
  log,
  readAsset,
  backups,
  stopping,
  clock = () => new Date(),
  metrics = new IsolateMetrics(),
}: AppOptions): Hono<RequestVariables> {
  const tokens = createAccessTokens(settings.authKeys)
  const noteUse = createKeyUses()
  const replica = replicaDatabase && new Replica({ database: replicaDatabase, clock, log, metrics })
  const app = new Hono<RequestVariables>()
  const { slowQueryMilliseconds, logLevel, corsOrigins } = settings
  const inContext = requestContexts({
    clock,
    log,
    slowQueryMilliseconds,
    logsTrips: logLevel === 'debug',
    crossOrigin: corsOrigins.length > 0 ? crossOrigin(corsOrigins) : undefined,
    metrics,
  })
  const answers: Answers = (handle) => inContext(answering(handle))
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
    stopping,
    metrics,
  }
  serveConsole(app, parts, answers)
  app.get(
    '/docs/',
    answers((c) => {
      c.get('requestContext').route = '/docs'
      return c.redirect('/docs', 308)
    }),
  )
  serveTable(app, parts, answers)
  app.notFound(answers((c) => writeRefusal(c, refuse('not_found', { detail: 'No route has this path.' }))))
  return app
}

type Answers = (handle: Handle) => Handle

function serveTable(app: Hono<RequestVariables>, parts: Parts, answers: Answers): void {
  for (const [path, ofPath] of Map.groupBy(routes, (route) => route.path)) {
    const allow = allowOf(ofPath)
    const serveRoute = answers(async (c) => {
      c.get('requestContext').route = path
      const { raw } = c.req
      if (raw.method === 'OPTIONS') return c.body(null, 204, { Allow: allow })
      const method = raw.method === 'HEAD' ? 'GET' : raw.method
      const route = ofPath.find((candidate) => candidate.method === method)
      if (route === undefined) return writeRefusal(c, refuse('method_not_allowed'), allow)
      const answer = await serve(c, route, parts)
      return answer.ok ? writeResponse(c, answer) : writeRefusal(c, answer)
    })
    app.all(honoPath(path), serveRoute)
  }
}

/** What is thrown is a refusal too. */
function answering(handle: Handle): Handle {
  return async (c) => {
    try {
      return await handle(c)
    } catch (thrown) {
      const { refused, cause, fix } = faultOf(thrown)
      Object.assign(c.get('requestContext'), { cause, fix })
      return writeRefusal(c, refused)
    }
  }
}

/** The console is no part of the API: its page and files, and its sessions, stand beside the table. */
function serveConsole(app: Hono<RequestVariables>, parts: Parts, answers: Answers): void {
  const serveSession = answers(async (c) => {
    c.get('requestContext').route = '/console/session/{step}'
    const { answer, cookie } = await consoleSession(c.req.param('step') ?? '', c.req.raw, (route, request) =>
      serve(c, route, parts, request),
    )
    const response = answer.ok
      ? writeResponse(c, answer)
      : writeRefusal(c, answer, answer.refusal === 'method_not_allowed' ? 'POST' : undefined)
    response.headers.set('Cache-Control', 'no-store')
    if (cookie !== undefined) response.headers.set('Set-Cookie', cookie)
    return response
  })
  app.all('/console/session/:step', serveSession)
  for (const path of ['/console', '/console/*']) {
    const serveFile = answers(async (c) => {
      c.get('requestContext').route = path
      if (c.req.method !== 'GET' && c.req.method !== 'HEAD') {
        return writeRefusal(c, refuse('method_not_allowed'), 'GET, HEAD')
      }
      const file = await consoleFile(parts.readAsset, c.req.path)
      return file.ok ? writeResponse(c, file) : writeRefusal(c, file)
    })
    app.all(path, serveFile)
  }
}

function writeResponse(c: AppContext, { status, headers, body }: RouteResponse): Response {
  const isRead = c.req.method === 'GET' || c.req.method === 'HEAD'
  const tag = headers['ETag']
  if (isRead && tag !== undefined && isNotModified(c.req.raw.headers.get('If-None-Match'), tag)) {
    return respond(c, { status: 304, headers: { ETag: tag }, body: null })
  }
  return respond(c, { status, headers, body })
}

function writeRefusal(c: AppContext, refused: Refused, allow?: string): Response {
  const requestContext = c.get('requestContext')
  requestContext.code = refused.refusal
  const hasToken = c.req.raw.headers.has('Authorization')
  return respond(c, problemOf(refused, { requestId: requestContext.requestId, allow, hasToken }))
}

function allowOf(ofPath: readonly Route[]): string {
  const methods = ofPath.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return methods.join(', ')
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
