import type { Caller } from '@millrace/db/access/access'
import { touchApiKey } from '@millrace/db/repositories/accounts/api-keys'
import type { TripObserver } from '@millrace/db/sql/transport'
import type { Database } from '@millrace/db/store/database'
import { readiness } from '@millrace/db/store/readiness'
import type { RouteResponse } from './response.ts'
import type { ReadAsset } from './assets.ts'
import type { createKeyUses } from './auth/key-uses.ts'
import type { AccessTokens } from './auth/tokens.ts'
import type { ScheduledBackups } from './backups/scheduled.ts'
import { faultOf } from './faults.ts'
import type { Log } from './log.ts'
import type { IsolateMetrics } from './metrics/isolate.ts'
import type { AppContext } from './middleware/request-context.ts'
import { networkOf } from './network.ts'
import type { Replica } from './replica.ts'
import { admit } from './request/admit.ts'
import type { Incoming } from './request/incoming.ts'
import { idOf } from './request/input.ts'
import { checkAccess } from './request/precedence.ts'
import type { Refused } from './result.ts'
import type { Route, RouteContext } from './route.ts'
import type { Settings } from './settings.ts'

/** What the app is made of. */
export interface Parts {
  readonly settings: Settings
  readonly database: Database
  readonly clock: () => Date
  readonly log: Log
  readonly metrics: IsolateMetrics
  readonly replica: Replica | undefined
  readonly replicaDatabase: Database | undefined
  readonly tokens: AccessTokens
  readonly readAsset: ReadAsset | undefined
  readonly backups: ScheduledBackups | undefined
  readonly stopping: AbortSignal | undefined
  readonly noteUse: ReturnType<typeof createKeyUses>
}

/** Serves a request by its route: admits it, gives the route its context, and what it answers. */
export async function serve(
  c: AppContext,
  route: Route,
  parts: Parts,
  request: Request = c.req.raw,
): Promise<RouteResponse | Refused> {
  const { settings, clock, tokens } = parts
  const { maxBodyBytes, metricsTokens, trustedProxies } = settings
  const requestContext = c.get('requestContext')
  const { requestId } = requestContext
  const origin = { requestId, network: networkOf(c.req.raw.headers, trustedProxies) }
  const admitted = await admit(route, request, { maxBodyBytes, tokens, metricsTokens, origin, at: clock() })
  if (!admitted.ok) return admitted
  const { caller, sessionId, scopes, expiresAt, incoming } = admitted
  const isKey = caller.kind === 'user' && caller.keySha256 !== undefined
  if (caller.kind === 'user' && !isKey) requestContext.userId = caller.userId
  const context = {
    store: parts.database.store(requestContext),
    readiness: () => readiness(parts.database, requestContext),
    pendingMigrations: () => parts.database.pendingMigrations(requestContext),
    poolStatus: () => parts.database.poolStatus(),
    checklist: async (applied: readonly string[]) => {
      // Seldom asked for, so loaded when it is.
      const { runChecklist } = await import('./checklist/run.ts')
      const { database, replicaDatabase: replica } = parts
      return runChecklist({ database, replica, settings, clock, applied, observer: requestContext })
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
    stopping: parts.stopping,
    afterwards: (work: () => Promise<void>) => doAfterwards(c, parts, work),
  }
  const lagging =
    route.mayLag === true ? await answerOfReplica(parts.replica, route, context, incoming, requestContext) : undefined
  const answer = lagging ?? (await route.respond(context, incoming))
  if (!answer.ok && answer.refusal === 'unauthenticated') requestContext.userId = undefined
  else if (isKey) {
    // A key says itself whose it is: until it is found, nobody has said so.
    requestContext.userId = caller.userId
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
): Promise<RouteResponse | undefined> | undefined {
  const pathId = idOf(route, incoming.pathname)
  return replica?.answer(incoming.headers, observer, {
    requestId: context.origin.requestId,
    respond: (store) => route.respond({ ...context, store }, incoming),
    objection: () => checkAccess(route, context, incoming, { pathId, isPathUnknown: false }),
  })
}

/** After the answer, which it does not delay: its write is not a round trip of the request. */
function noteKeyUse(c: AppContext, caller: Caller, parts: Parts): void {
  const { database, clock, noteUse } = parts
  if (caller.kind === 'anonymous' || caller.keySha256 === undefined) return
  const use = noteUse(caller.keySha256, clock())
  if (use === undefined) return
  doAfterwards(c, parts, () => touchApiKey(database.store(), use))
}

/** Outside of workerd too, where nobody waits for it. */
function doAfterwards(c: AppContext, { log }: Pick<Parts, 'log'>, work: () => Promise<void>): void {
  const { requestId } = c.get('requestContext')
  const done = work().catch((thrown: unknown) => {
    const { cause, fix } = faultOf(thrown)
    log({ level: 'warn', event: 'afterwards_failed', requestId, cause, cure: fix })
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
