import { Hono } from 'hono'
import { exchanges, type ExchangeVariables } from './middleware/exchange.ts'
import type { Log } from './log.ts'
import { IsolateMetrics } from './metrics/isolate.ts'
import { problemOf } from './problem.ts'
import { getHealth, healthAnswer } from './routes/operations/healthz.ts'
import type { SettingProblem } from './settings.ts'

interface MisconfiguredOptions {
  readonly problems: readonly SettingProblem[]
  readonly log: Log
  readonly clock?: () => Date
}

/** What answers when the environment is wrong: 500 to everything but the health check; the log names the variables. */
export function createMisconfiguredApp({ problems, log, clock = () => new Date() }: MisconfiguredOptions) {
  const app = new Hono<ExchangeVariables>()
  app.use(
    exchanges({
      clock,
      log,
      logsTrips: false,
      slowQueryMilliseconds: Number.POSITIVE_INFINITY,
      metrics: new IsolateMetrics(),
    }),
  )
  app.get(getHealth.path, (c) => {
    c.var.exchange.route = getHealth.path
    const { status, headers, body } = healthAnswer()
    return new Response(body, { status, headers })
  })
  app.all('*', (c) => {
    const { exchange } = c.var
    exchange.code = 'internal'
    log({ level: 'error', event: 'misconfigured', requestId: exchange.requestId, problems })
    const { status, headers, body } = problemOf({ code: 'internal' }, { requestId: exchange.requestId })
    return new Response(body, { status, headers })
  })
  return app
}
