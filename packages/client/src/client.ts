import type { AppType } from '@millrace/api/app-type'
import { hc } from 'hono/client'
import type { LoggedIn, Rpc } from './contract.ts'
import { createAsk, read } from './exchange/asking.ts'
import {
  apiKeyCredentials,
  memoryTokenStore,
  sessionCredentials,
  type Credentials,
  type Tokens,
  type TokenStore,
} from './exchange/credentials.ts'
import { createEntityCache } from './exchange/entity-cache.ts'
import { createExchange, type Exchange } from './exchange/exchange.ts'
import { rpcFetch } from './exchange/rpc-fetch.ts'
import { defaultRetryPolicy, type RetryPolicy } from './exchange/retry.ts'
import { createApiKeys } from './resources/api-keys.ts'
import { createAuth } from './resources/auth.ts'
import { createEvents } from './resources/events.ts'
import { createExecutions } from './resources/executions.ts'
import { createSettings } from './resources/settings.ts'
import { createShares } from './resources/shares.ts'
import { createVersions } from './resources/versions.ts'
import { createWorkflows } from './resources/workflows.ts'
import type { Handler, WorkOptions } from './working/contract.ts'
import { work } from './working/work.ts'

export interface ClientOptions {
  /** Where the service is: `https://workflows.example.com`. */
  readonly url: string
  /** In place of logging in. */
  readonly apiKey?: string
  /** Where the tokens of a log-in are kept: memory unless given. */
  readonly tokens?: TokenStore
  /** The runtime's own unless given. */
  readonly fetch?: typeof fetch
  /** What differs from {@link defaultRetryPolicy}. */
  readonly retry?: Partial<RetryPolicy>
  /** How many workflows and settings are kept to be asked for with If-None-Match: none unless given. */
  readonly cachedEntities?: number
}

export type Client = ReturnType<typeof createClient>

/** A client of one caller. It needs `fetch` and nothing else: Node 20.3 or newer, browsers, workers. */
export function createClient(options: ClientOptions) {
  const url = options.url.replace(/\/+$/, '')
  const policy = { ...defaultRetryPolicy, ...options.retry }
  // Called as a function of nobody: browsers refuse a `fetch` that is called as a method.
  const send = options.fetch ?? ((...request: Parameters<typeof fetch>) => fetch(...request))
  const exchange = createExchange({ url, fetch: send, policy })
  const credentials = credentialsOf(options, exchange)
  const cache = createEntityCache(options.cachedEntities ?? 0)
  const ask = createAsk({ exchange, credentials, cache })
  const executions = createExecutions(ask)
  const events = createEvents({ url, fetch: send, credentials, get: executions.get })
  const rpc: Rpc = hc<AppType>(url, { fetch: rpcFetch(url, exchange, credentials) })
  return {
    auth: createAuth(ask, { credentials, cache }),
    apiKeys: createApiKeys(ask),
    workflows: createWorkflows(ask),
    versions: createVersions(ask),
    shares: createShares(ask),
    executions: { ...executions, events },
    settings: createSettings(ask),
    /** Works executions with a handler until its signal is aborted. */
    work: (handler: Handler, workOptions: WorkOptions) => work(executions, handler, workOptions),
    /** Asks any route of the API by its path, with this client's token, refresh and retries. For what has no method here. */
    ask,
    /**
     * Hono's typed client on every route, with this client's token, refresh and retries. Documents are values here, not
     * exact text; refusals are answers, not errors; an Idempotency-Key is sent where one is given.
     */
    rpc,
  }
}

function credentialsOf({ apiKey, tokens }: ClientOptions, exchange: Exchange): Credentials {
  if (apiKey !== undefined) return apiKeyCredentials(apiKey)
  return sessionCredentials(tokens ?? memoryTokenStore(), (refreshToken) => refresh(exchange, refreshToken))
}

/**
 * A refresh token works once, yet a refresh whose answer was lost is sent again: either nothing had happened, or the
 * new pair is lost and with it the session.
 */
async function refresh(exchange: Exchange, token: string): Promise<Tokens> {
  const reply = await exchange({
    method: 'POST',
    path: '/v1/auth/refresh',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ refreshToken: token }),
    isRepeatable: true,
    credentials: undefined,
  })
  const { accessToken, refreshToken } = read<LoggedIn>(reply)
  return { accessToken, refreshToken }
}
