import { Hono } from 'hono'
import type { Log } from './log.ts'
import type { IsolateMetrics } from './metrics/isolate.ts'
import { requestContexts, respond, withoutTrips, type RequestVariables } from './middleware/request-context.ts'
import { problemOf } from './problem.ts'
import { refuse } from './result.ts'

interface Options {
  readonly log: Log
  readonly metrics: IsolateMetrics
  readonly clock?: () => Date
}

const detail =
  'The request cannot be read: its target or its `Host` is missing or malformed. Send a path and one valid `Host`.'

/**
 * Answers in place of the app what has no URL, so that no route can be looked for: with a problem document, a request id and
 * a line in the log. HTTP wants 400 (RFC 9112, 3.2), and the contract's code of that status is `malformed_json`.
 */
export function createUnreadableApp({ log, metrics, clock = () => new Date() }: Options): Hono<RequestVariables> {
  const inContext = requestContexts({ ...withoutTrips, log, metrics, clock })
  const app = new Hono<RequestVariables>()
  app.all(
    '*',
    inContext((c) => {
      const requestContext = c.get('requestContext')
      requestContext.code = 'malformed_json'
      return respond(c, problemOf(refuse('malformed_json', { detail }), { requestId: requestContext.requestId }))
    }),
  )
  return app
}
