import { Hono } from 'hono'
import { requestContexts, withoutTrips, type RequestVariables } from './middleware/request-context.ts'
import type { Log } from './log.ts'
import { IsolateMetrics } from './metrics/isolate.ts'
import { problemOf } from './problem.ts'
import { getHealth, healthResponse } from './routes/operations/healthz.ts'
import { isLoopback } from '@millrace/db/url/address'
import type { SettingProblem } from './settings.ts'
import { refuse } from './result.ts'

interface MisconfiguredOptions {
  readonly problems: readonly SettingProblem[]
  readonly log: Log
  readonly clock?: () => Date
}

/**
 * What answers when the environment is wrong: 500 to everything but the health check, with the names of the variables. The
 * log says what is wrong with each; so does the answer on the developer's own machine.
 */
export function createMisconfiguredApp({ problems, log, clock = () => new Date() }: MisconfiguredOptions) {
  const app = new Hono<RequestVariables>()
  const inContext = requestContexts({ ...withoutTrips, clock, log, metrics: new IsolateMetrics() })
  const answerHealth = inContext((c) => {
    c.get('requestContext').route = getHealth.path
    const { status, headers, body } = healthResponse()
    return new Response(body, { status, headers })
  })
  const answerProblem = inContext((c) => {
    const requestContext = c.get('requestContext')
    requestContext.code = 'internal'
    log({ level: 'error', event: 'misconfigured', requestId: requestContext.requestId, problems })
    const detail = detailOf(problems, isLoopback(new URL(c.req.url).hostname))
    const { status, headers, body } = problemOf(refuse('internal', { detail }), { requestId: requestContext.requestId })
    return new Response(body, { status, headers })
  })
  app.get(getHealth.path, answerHealth)
  app.all('*', answerProblem)
  return app
}

function detailOf(problems: readonly SettingProblem[], isOwnMachine: boolean): string {
  const names = [...new Set(problems.map(({ variable }) => variable))].join(', ')
  const words = `The service is not configured: ${names} is missing or wrong.`
  if (!isOwnMachine) return `${words} Its log says what is wrong with each; see docs/deploy.md.`
  const each = problems.map(({ variable, why, fix }) => `${variable}: ${why.split('\n')[0] ?? ''}. ${fix}`)
  return `${words} ${each.join(' ')} For \`wrangler dev\` set them in .dev.vars (see .dev.vars.example), or run \`millrace dev\`, which sets all of it.`
}
