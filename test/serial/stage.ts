import { randomBytes } from 'node:crypto'
import { createApp } from '@millrace/api/app'
import { parseSettings } from '@millrace/api/settings'
import { readMigrations } from '@millrace/cli/migrations'
import { migrate } from '@millrace/db/migrate/migrate'
import type { Database } from '@millrace/db/store/database'
import type { Transport } from '@millrace/db/sql/transport'
import type { Store } from '@millrace/db/store/store'
import type { Fetch } from '@millrace/drivers/fetch'
import { openDatabase } from '@millrace/drivers/open'
import { startGateway } from '@millrace/gateway'
import { targetOf } from '../database.ts'
import type { DialectName } from '../dialects.ts'
import { workspaceRoot } from '../workspace.ts'
import { currentActor } from './actor.ts'
import { makeGround, type Ground, type Place } from './ground.ts'
import { labelOf } from './hooks.ts'
import { openPostbox } from './postbox.ts'

export interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** What the service does by the clock, and not when it is asked. */
export type Job = (parts: {
  readonly store: Store
  /** For what is below the store: a command that restores. */
  readonly transport: Transport
  readonly clock: () => Date
}) => Promise<unknown>

/** The app, the real drivers and the gateway in this process, in front of a real database. */
export interface Stage {
  readonly ground: Ground
  /** Answers, when also what was left for afterwards is done. */
  send(request: Sent): Promise<Answered>
  /** Runs a job of the service. It tells nobody anything: a run is several writes, and the rows say what they did. */
  work(job: Job): Promise<Answered>
  /** The newest token for a new password that was mailed. */
  mailedToken(): string
  /** Sets the functions' clock. Each look at it takes a millisecond. */
  setClock(at: Date): void
  /** Forgets what the process remembers between requests that may differ from run to run: the budget for retries. */
  refresh(): Promise<void>
  /** Forgets all that it remembers of the database, as a new process. */
  reopen(): Promise<void>
  close(): Promise<void>
}

/** Puts something between the drivers and the gateway. */
export type Between = (dialect: DialectName, send: Fetch) => Fetch

export async function openStage(dialect: DialectName, place: Place, between: Between = steppedByTrip): Promise<Stage> {
  const ground = await makeGround(dialect, place)
  const target = targetOf(ground.url)
  // A transaction whose client has lost it is soon undone, and its locks with it.
  const gateway = await startGateway({ target, limits: { transactionIdleSeconds: 1 } })
  const fetch = between(dialect, gateway.fetch)
  let retries = 0
  const open = () => openDatabase({ target, gatewayUrl: gateway.url, fetch, onRetry: () => (retries += 1) })
  let current = await open()
  await migrate(current, readMigrations(workspaceRoot, dialect))
  const postbox = await openPostbox()
  const parsed = parseSettings({
    ...postbox.settings,
    DATABASE_URL: ground.url,
    DATABASE_GATEWAY_URL: gateway.url,
    AUTH_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    SETTINGS_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    BCRYPT_COST: '4',
  })
  if (!parsed.ok) throw new Error(parsed.problems.map(({ why }) => why).join('\n'))
  let nowMilliseconds = Date.now()
  const clock = () => new Date((nowMilliseconds += 1))
  const app = createApp({
    settings: parsed.settings,
    database: delegating(() => current),
    clock,
    log: () => undefined,
  })
  const send = async ({ method, path, headers, body }: Sent): Promise<Answered> => {
    const left: Promise<unknown>[] = []
    const request = new Request(`http://functions.test${path}`, {
      method,
      headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
    })
    const execution = {
      waitUntil: (work: Promise<unknown>) => void left.push(work),
      passThroughOnException: () => undefined,
      props: {},
    }
    const response = await app.fetch(request, {}, execution)
    const text = await response.text()
    await Promise.all(left)
    return { status: response.status, headers: response.headers, body: text }
  }
  const reopen = async (): Promise<void> => {
    retries = 0
    current = await open()
    await send({ method: 'GET', path: '/readyz', headers: {}, body: undefined })
    await current.store().read({ text: 'select 1', parameters: [], decode: () => undefined })
  }
  return {
    ground,
    send,
    async work(job) {
      await job({ store: current.store(), transport: current.transport(), clock })
      return { status: 200, headers: new Headers(), body: '' }
    },
    mailedToken: () => postbox.newestToken(),
    setClock(at) {
      nowMilliseconds = at.getTime()
    },
    async refresh() {
      if (retries > 0) await reopen()
    },
    reopen,
    async close() {
      await postbox.close()
      await gateway.close()
      await ground.close()
    },
  }
}

function delegating(current: () => Database): Database {
  return {
    get dialect() {
      return current().dialect
    },
    store: (observer) => current().store(observer),
    transport: (observer) => current().transport(observer),
    snapshot: () => current().snapshot(),
    load: () => current().load(),
    pendingMigrations: (observer) => current().pendingMigrations(observer),
    poolStatus: () => current().poolStatus(),
    close: () => current().close(),
  }
}

/** Each round trip of an actor whose grain is the trip is a step of it. */
export function steppedByTrip(_dialect: DialectName, send: Fetch): Fetch {
  return (input, init) => {
    const actor = currentActor()
    if (actor?.grain !== 'trip') return send(input, init)
    return actor.step(tripLabel(init), () => send(input, init))
  }
}

function tripLabel(init: RequestInit | undefined): string {
  const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined
  if (typeof body !== 'object' || body === null) return 'trip'
  if ('query' in body && typeof body.query === 'string') return labelOf(body.query)
  const queries: readonly unknown[] = 'queries' in body && Array.isArray(body.queries) ? body.queries : []
  const texts = queries.map((query) =>
    typeof query === 'object' && query !== null && 'query' in query ? labelOf(String(query.query)) : '',
  )
  return texts.join(' ; ')
}
