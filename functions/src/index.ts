import { createApp } from '@millrace/api/app'
import { IsolateMetrics } from '@millrace/api/metrics/isolate'
import { createMisconfiguredApp } from '@millrace/api/misconfigured'
import type { Settings } from '@millrace/api/settings'
import type { Database } from '@millrace/db/store/database'
import { openDatabase } from '@millrace/drivers/open'
import { withAnalytics } from './analytics.ts'
import { readAssets } from './assets.ts'
import { readBackups } from './backups.ts'
import { namingDeployment } from './deployment.ts'
import { d1Of } from './database-bindings.ts'
import { readEnvironment } from './env.ts'
import { createLog } from './log.ts'
import { createScheduledRun } from './scheduled.ts'

interface Functions {
  readonly serve: (request: Request, env: object, execution: ExecutionContext) => Response | Promise<Response>
  readonly runScheduled: (at: Date, schedule: string) => Promise<void>
}

let functions: Functions | undefined

type Bindings = Readonly<Record<string, unknown>>

const serve = namingDeployment(async (request, env, execution) => {
  const built = functions ?? (await firstBuilt(env))
  return built.serve(request, env, execution)
})

/** Everything is built once for each isolate, from the environment of its first request. */
export default {
  fetch: serve,
  async scheduled(
    { scheduledTime, cron }: Pick<ScheduledController, 'scheduledTime' | 'cron'>,
    env: Bindings,
  ): Promise<void> {
    const built = functions ?? (await firstBuilt(env))
    return built.runScheduled(new Date(scheduledTime), cron)
  },
}

/** A promise is not shared: workerd lets no request wait for what another one does. */
async function firstBuilt(env: Bindings): Promise<Functions> {
  const built = await build(env)
  functions ??= built
  return functions
}

async function build(env: Bindings): Promise<Functions> {
  const parsed = readEnvironment(env)
  if (!parsed.ok) {
    const { problems } = parsed
    const variables = problems.map(({ variable }) => variable).join(', ')
    return {
      serve: createMisconfiguredApp({ problems, log: createLog('info') }).fetch,
      runScheduled: () => Promise.reject(new Error(`the environment is wrong: ${variables}`)),
    }
  }
  const { settings } = parsed
  const log = withAnalytics(createLog(settings.logLevel), env, settings.database.dialect)
  const metrics = new IsolateMetrics()
  const database = await openDatabase({
    target: settings.database,
    gatewayUrl: settings.gatewayUrl,
    gatewayToken: settings.gatewayToken,
    d1: d1Of(settings.database, env),
    onRetry: ({ fault }) => metrics.retry(fault),
  })
  const backups = readBackups(env, { database, settings, log })
  return {
    serve: createApp({
      settings,
      database,
      replica: await openReplica(settings, env),
      log,
      metrics,
      backups,
      readAsset: readAssets(env),
    }).fetch,
    runScheduled: createScheduledRun({ database, backups, log, settings }),
  }
}

/** Sooner given up than the primary, which then answers: once, and after a few seconds. */
async function openReplica(
  { readDatabase, readGatewayUrl, gatewayToken }: Settings,
  env: Bindings,
): Promise<Database | undefined> {
  if (readDatabase === undefined) return undefined
  return openDatabase({
    target: readDatabase,
    gatewayUrl: readGatewayUrl,
    gatewayToken,
    d1: d1Of(readDatabase, env),
    timeoutSeconds: 5,
    attempts: 1,
  })
}
