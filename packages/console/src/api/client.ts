import { createClient } from '@millrace/client'
import { tokens } from './tokens.ts'

const sessionRoute = /^\/v1\/auth\/(login|register|refresh|logout)$/

/** The public API; only what would hand a refresh token to this page goes by the console's own routes. */
const send: typeof fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input)
  const [, step] = sessionRoute.exec(url.pathname) ?? []
  if (step !== undefined) url.pathname = `/console/session/${step}`
  if (!url.pathname.startsWith('/console/session/')) return fetch(url, init)
  // A refresh uses the cookie up: its answer with the next one has to come also when the page is closed meanwhile, or loaded anew.
  return fetch(url, { ...init, keepalive: true })
}

export const client = createClient({ url: location.origin, tokens, fetch: send, cachedEntities: 20 })
