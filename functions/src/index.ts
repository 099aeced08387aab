import { createApp } from '@millrace/api/app'
import { createMisconfiguredApp } from '@millrace/api/misconfigured'
import { openDatabase } from '@millrace/db/database'
import { readEnvironment } from './env.ts'
import { createLog } from './log.ts'

type Serve = (request: Request, env: object, execution: ExecutionContext) => Response | Promise<Response>

let serve: Serve | undefined

/** The app is built once for each isolate, from the environment of its first request. */
export default {
  fetch(
    request: Request,
    env: Readonly<Record<string, unknown>>,
    execution: ExecutionContext,
  ): Response | Promise<Response> {
    serve ??= build(env)
    return serve(request, env, execution)
  },
}

function build(env: Readonly<Record<string, unknown>>): Serve {
  const parsed = readEnvironment(env)
  if (!parsed.ok) return createMisconfiguredApp({ problems: parsed.problems, log: createLog('info') }).fetch
  const { settings } = parsed
  const database = openDatabase({
    target: settings.database,
    gatewayUrl: settings.gatewayUrl,
    gatewayToken: settings.gatewayToken,
  })
  return createApp({ settings, database, log: createLog(settings.logLevel) }).fetch
}
