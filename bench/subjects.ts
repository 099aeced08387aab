import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { readMigrations } from '@millrace/cli/migrations'
import { openDatabase } from '@millrace/drivers/open'
import { migrate } from '@millrace/db/migrate/migrate'
import { targetOf } from '../test/database.ts'
import type { DialectName } from '../test/dialects.ts'
import type { Servers } from '../test/servers/start.ts'
import { runWorker, type BuiltWorker } from '../test/servers/worker.ts'
import { workspaceRoot } from '../test/workspace.ts'
import { createDatabase, type BenchDatabase } from './databases.ts'
import { floorVars } from './floor-vars.ts'
import { openClient, type Client } from './load.ts'
import { childrenNamed } from './processes.ts'

export const subjectNames = ['product', 'floor'] as const
export type SubjectName = (typeof subjectNames)[number]

export interface Subject {
  readonly client: Client
  /** Of its workerd. */
  readonly processId: number
}

/** The product and the floor on one database, through one gateway. */
export interface Stage {
  readonly dialect: DialectName
  readonly subjects: Readonly<Record<SubjectName, Subject>>
  readonly gatewayProcessId: number
  /** Of the servers' parent; undefined for SQLite, which works in the gateway's own process. */
  readonly databaseProcessId: number | undefined
  stop(): Promise<void>
}

export interface StageOptions {
  readonly directory: string
  readonly servers: Servers
  readonly workers: Readonly<Record<SubjectName, BuiltWorker>>
}

/**
 * Each has a workerd of its own, of the same build, so that neither's garbage is collected in the other's time; the
 * gateway has a process of its own too, as it does where it is deployed.
 */
export async function startStage(dialect: DialectName, { directory, servers, workers }: StageOptions): Promise<Stage> {
  const database = await createDatabase(dialect, servers.started, directory)
  const gateway = await startGatewayProcess(database)
  const opened = await openDatabase({ target: targetOf(database.url), gatewayUrl: gateway.url })
  await migrate(opened, readMigrations(workspaceRoot, dialect))
  const secret = randomBytes(32).toString('base64url')
  const product = await startSubject(workers.product, {
    DATABASE_URL: database.url,
    DATABASE_GATEWAY_URL: gateway.url,
    AUTH_KEYS: `bench:${secret}`,
    BCRYPT_COST: '4',
    // One line per request, read by this process, would be measured with the rest.
    LOG_LEVEL: 'warn',
    SLOW_QUERY_MS: '60000',
  })
  const floor = await startSubject(
    workers.floor,
    await floorVars(opened, { gatewayUrl: gateway.url, secret, ...database }),
  )
  return {
    dialect,
    subjects: { product, floor },
    gatewayProcessId: gateway.processId,
    databaseProcessId: dialect === 'sqlite' ? undefined : servers.processId,
    async stop() {
      await Promise.all([product.stop(), floor.stop()])
      await gateway.stop()
    },
  }
}

async function startSubject(
  built: BuiltWorker,
  vars: Readonly<Record<string, string>>,
): Promise<Subject & { stop(): Promise<void> }> {
  const before = childrenNamed('workerd')
  const worker = runWorker(built, vars)
  const client = openClient((await worker.ready).origin)
  const processId = childrenNamed('workerd').find((id) => !before.includes(id)) ?? 0
  return {
    client,
    processId,
    async stop() {
      client.close()
      await worker.dispose()
    },
  }
}

/** A gateway in a process of its own. */
export async function startGatewayProcess({ url }: BenchDatabase) {
  const child = fork(join(import.meta.dirname, '../test/servers/gateway.ts'), {
    env: { ...process.env, DATABASE_URL: url },
  })
  const exited = once(child, 'exit')
  const told: unknown = await Promise.race([once(child, 'message'), exited])
  const [address] = Array.isArray(told) ? (told as readonly unknown[]) : []
  if (typeof address !== 'string') throw new Error(`the gateway ended with ${String(address)} before it listened`)
  return {
    url: address,
    processId: child.pid ?? 0,
    async stop() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}
