import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import { createApp } from '@millrace/api/app'
import { parseSettings } from '@millrace/api/settings'
import type { Fetch } from '@millrace/drivers/fetch'
import { openDatabase } from '@millrace/drivers/open'
import { targetOf } from '../database.ts'
import { forkGateway } from '../servers/forked-gateway.ts'

export interface Sent {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Whether an answer of the database was lost on the way to this one. */
  readonly isAfterLoss: boolean
}

/** What has happened to the request on whose behalf code runs. */
const underWay = new AsyncLocalStorage<{ hasLost: boolean }>()

/** The app with its real drivers, a gateway in a process of its own, and a network between them that loses things. */
export interface System {
  send(request: Sent): Promise<Answered>
  /** Loses this share of requests, and of answers, from now on. */
  lose(share: number): void
  /** Kills the gateway with all that it is doing, and starts another one. */
  killGateway(): Promise<void>
  /** How many requests and answers were lost so far. */
  lost(): number
  stop(): Promise<void>
}

/** @param random gives the numbers by which it is decided what is lost */
export async function startSystem(databaseUrl: string, random: () => number): Promise<System> {
  let gateway = await forkGateway(databaseUrl)
  let share = 0
  let lost = 0
  const link: Fetch = async (input, init) => {
    const drawn = random()
    if (drawn < share) {
      lost += 1
      throw new TypeError('Network connection lost.')
    }
    const answer = await sendTo(gateway.url, input, init)
    // Read to its end: the database has acted by then.
    const text = await answer.text()
    if (drawn > 1 - share) {
      lost += 1
      throw new TypeError('Network connection lost.')
    }
    return new Response(text, { status: answer.status, headers: answer.headers })
  }
  const target = targetOf(databaseUrl)
  // The gateway's address may change; the network knows it.
  const gatewayUrl = 'http://gateway.test'
  const parsed = parseSettings({
    DATABASE_URL: databaseUrl,
    DATABASE_GATEWAY_URL: gatewayUrl,
    AUTH_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    SETTINGS_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    BCRYPT_COST: '4',
  })
  if (!parsed.ok) throw new Error(parsed.problems.map(({ why }) => why).join('\n'))
  const onRetry = ({ isNotApplied }: { readonly isNotApplied: boolean }) => {
    const request = underWay.getStore()
    if (request !== undefined && !isNotApplied) request.hasLost = true
  }
  const database = await openDatabase({ target, gatewayUrl, fetch: link, timeoutSeconds: 10, onRetry })
  const app = createApp({ settings: parsed.settings, database, log: () => undefined })
  return {
    async send({ method, path, headers, body }) {
      const request = new Request(`http://functions.test${path}`, {
        method,
        headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const progress = { hasLost: false }
      const response = await underWay.run(progress, async () => app.fetch(request))
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, isAfterLoss: progress.hasLost }
    },
    lose(wanted) {
      share = wanted
    },
    async killGateway() {
      await gateway.kill()
      gateway = await forkGateway(databaseUrl)
    },
    lost: () => lost,
    stop: () => gateway.kill(),
  }
}

/** libSQL's client gives a `Request`, the others what makes one. */
async function sendTo(url: string, input: Request | URL | string, init: RequestInit = {}): Promise<Response> {
  const request = input instanceof Request ? input : undefined
  const { pathname } = new URL(input instanceof Request ? input.url : input)
  return fetch(`${url}${pathname}`, {
    ...init,
    method: init.method ?? request?.method ?? 'GET',
    headers: init.headers ?? request?.headers ?? {},
    body: init.body ?? (await request?.text()) ?? null,
  })
}
