import type { MiddlewareHandler } from 'hono'
import { discardRest } from '../request/discard.ts'

/**
 * Reads what a refusal left of the request's body. Proxies and Node's own server close the connection over an unread body, and
 * the caller then has their error, or none at all, in place of the answer: `wrangler dev` says 500 "Network connection
 * lost".
 */
export const readsToTheEnd: MiddlewareHandler = async (c, next) => {
  await next()
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return
  // Not `body` first: on Node it is made for who asks for it.
  if (c.req.raw.bodyUsed) return
  const { body } = c.req.raw
  if (body !== null) await discardRest(body.getReader())
}
