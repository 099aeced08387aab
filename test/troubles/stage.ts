import { readMigrations } from '@millrace/cli/migrations'
import { openDatabase } from '@millrace/drivers/open'
import { migrate } from '@millrace/db/migrate/migrate'
import { startGateway, type Gateway, type GatewayLimits } from '@millrace/gateway'
import { readAnswer, type Answer } from '../contract/answers.ts'
import { freshDatabase, type DialectName, type TestDatabase } from '../dialects.ts'
import { openDoor } from '../servers/door.ts'
import { startOwnMariadb, startOwnPostgres, type OwnServer } from '../servers/own.ts'
import { startService, type Service } from '../service.ts'
import { vi } from 'vitest'
import { targetOf } from '../database.ts'
import { register } from '../contract/world.ts'
import { workspaceRoot } from '../workspace.ts'

/** One Worker before one door, behind which a test puts the gateway and the database that it needs. */
export interface Stage {
  readonly dialect: DialectName
  /** PostgreSQL's or MariaDB's; SQLite has none. */
  readonly server: OwnServer | undefined
  /** Migrated, with a user and a workflow. */
  readonly url: string
  readonly workflowId: string
  /** Runs while a gateway on `url` serves the Worker. */
  behind<Result>(
    url: string,
    work: (gateway: Gateway) => Promise<Result>,
    limits?: Partial<GatewayLimits>,
  ): Promise<Result>
  /** As the user. While nothing is behind the door, its connections break. */
  ask(method: string, path: string, init?: AskInit): Promise<Told>
  /** Registers a user where the gateway now leads to, and gives a token. */
  join(): Promise<string>
  /** Sends a request of the user's, and gives the answer alone. */
  send(path: string, init?: Omit<RequestInit, 'headers'> & Pick<AskInit, 'headers'>): Promise<Response>
  migrate(url: string): Promise<void>
  stop(): Promise<void>
}

export interface AskInit {
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Another user's than the stage's own. */
  readonly token?: string | undefined
}

/** An answer, and the line that the Worker logged of it. */
export interface Told extends Answer {
  readonly line: Readonly<Record<string, unknown>>
}

export async function setStage(dialect: DialectName): Promise<Stage> {
  const door = await openDoor()
  const server = await ownServer(dialect)
  const file = server === undefined ? await freshDatabase('sqlite') : undefined
  const url = file?.url ?? server?.url(await server.createDatabase()) ?? ''
  const behind: Stage['behind'] = async (to, work, limits = {}) => {
    const gateway = await startGateway({ target: targetOf(to), limits })
    door.leadTo(gateway.port)
    try {
      return await work(gateway)
    } finally {
      door.leadTo(undefined)
      await gateway.close()
    }
  }
  const migrateDatabase = async (to: string) => {
    const gateway = await startGateway({ target: targetOf(to) })
    try {
      await migrate(
        await openDatabase({ target: targetOf(to), gatewayUrl: gateway.url }),
        readMigrations(workspaceRoot, dialect),
      )
    } finally {
      await gateway.close()
    }
  }
  await migrateDatabase(url)
  const service = await startService(databaseAt(dialect, url), {
    migrate: false,
    vars: { DATABASE_GATEWAY_URL: door.url },
  })
  const { token, workflowId } = await behind(url, async () => {
    const user = await register(service, 'ada')
    const made = await service.fetch('/v1/workflows', {
      method: 'POST',
      headers: { Authorization: `Bearer ${user.token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'w', definition: {} }),
    })
    return { token: user.token, workflowId: String(((await made.json()) as { id: unknown }).id) }
  })
  return {
    dialect,
    server,
    url,
    workflowId,
    behind,
    migrate: migrateDatabase,
    send: (path, init) =>
      fetch(`${service.urls[0]}${path}`, { ...init, headers: { Authorization: `Bearer ${token}`, ...init?.headers } }),
    async join() {
      const user = await register(service, 'bob')
      return user.token
    },
    async ask(method, path, { body, headers, token: given = token } = {}) {
      const before = service.logs().length
      const answer = await readAnswer(
        await service.fetch(path, {
          method,
          headers: {
            Authorization: `Bearer ${given}`,
            ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body }),
        }),
      )
      return { ...answer, line: await requestLine(service, before, answer.headers.get('X-Request-Id') ?? '') }
    },
    async stop() {
      await service.stop()
      await server?.remove()
      await file?.drop()
      door.close()
    },
  }
}

async function ownServer(dialect: DialectName): Promise<OwnServer | undefined> {
  switch (dialect) {
    case 'sqlite':
      return undefined
    case 'postgres':
      // Who waits in a deadlock first looks for it first, once, and is the one that PostgreSQL ends: when the other waits
      // too, and past the deadline until which the Worker sends what collided again.
      return startOwnPostgres({ deadlock_timeout: '11s', synchronous_commit: 'on' })
    case 'mysql':
      // It is killed: what it has committed has to be in its log by then.
      return startOwnMariadb(['--innodb-flush-log-at-trx-commit=2'])
  }
}

/** What a service needs to know of a database that is there. */
function databaseAt(dialect: DialectName, url: string): TestDatabase {
  return { dialect, url, query: () => Promise.reject(new Error('not here')), drop: () => Promise.resolve() }
}

async function requestLine(service: Service, from: number, id: string): Promise<Readonly<Record<string, unknown>>> {
  const findLine = () =>
    service
      .logs()
      .slice(from)
      .map((text): unknown => (text.startsWith('{') ? JSON.parse(text) : undefined))
      .map(asRecordOrNothing)
      .find(({ event, requestId }) => event === 'request' && requestId === id)
  return vi.waitUntil(findLine, { timeout: 20_000 })
}

function asRecordOrNothing(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
