import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readMigrations } from '@millrace/cli/migrations'
import { newServiceSecrets } from '@millrace/cli/secrets'
import { migrate } from '@millrace/db/migrate/migrate'
import { openNativeDatabase } from '@millrace/drivers/native/open'
import { targetOf } from '../../test/target.ts'
import type { DialectName } from '../../test/dialects.ts'
import { connectionStringOf } from '../../test/hyperdrive.ts'
import { startD1Service } from '../../test/servers/d1-service.ts'
import type { StartedServers } from '../../test/servers/protocol.ts'
import { runWorker, type BuiltWorker } from '../../test/servers/worker.ts'
import { workspaceRoot } from '../../test/workspace.ts'
import { createDatabase } from '../databases.ts'
import { openClient } from '../load.ts'
import { startServe } from '../serve-subjects.ts'
import { startGatewayProcess } from '../subjects.ts'
import { openMailbox } from './mailbox.ts'
import { createRouteWorld, routeVariables, type RouteWorld } from './world.ts'

/** How the service runs: `millrace serve`, or the functions in workerd, by a gateway, Hyperdrive or D1. */
export const ways = ['serve', 'functions', 'hyperdrive', 'd1'] as const
export type Way = (typeof ways)[number]

/** What each way can reach. */
export const dialectsOf: Readonly<Record<Way, readonly DialectName[]>> = {
  serve: ['sqlite', 'postgres', 'mysql'],
  functions: ['sqlite', 'postgres', 'mysql'],
  hyperdrive: ['postgres', 'mysql'],
  d1: ['sqlite'],
}

export interface ServedRoutes {
  readonly world: RouteWorld
  stop(): Promise<void>
}

export interface ServedOptions {
  readonly servers: StartedServers
  readonly directory: string
  /** For every way but `serve`. */
  readonly worker: BuiltWorker | undefined
}

interface Running {
  readonly url: string
  promote(userId: string): Promise<void>
  stop(): Promise<void>
}

type Variables = Readonly<Record<string, string>>

/** Starts the service in one of its ways on a new database, for the bench alone. */
export async function serveRoutes(way: Way, dialect: DialectName, options: ServedOptions): Promise<ServedRoutes> {
  const mailbox = await openMailbox()
  const secrets = newServiceSecrets()
  const variables = {
    ...{ ...secrets, ...routeVariables, ...mailbox.variables },
    ...{ BCRYPT_COST: '4', LOG_LEVEL: 'error', SLOW_QUERY_MS: '60000' },
  }
  const running = await start(way, dialect, options, variables)
  const client = openClient(running.url)
  const stop = async () => {
    client.close()
    await running.stop()
    await mailbox.stop()
  }
  try {
    const promote = (userId: string) => running.promote(userId)
    const world = await createRouteWorld({ client, metricsToken: secrets.METRICS_TOKEN, mailbox, promote })
    return { world, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

async function start(
  way: Way,
  dialect: DialectName,
  { servers, directory, worker }: ServedOptions,
  variables: Variables,
): Promise<Running> {
  if (way === 'd1') return startOnD1(builtOf(worker), variables)
  const database = await createDatabase(dialect, servers, directory)
  const { url } = database
  const promote = promoteIn(url)
  if (way === 'serve') {
    const folder = join(directory, `backups-${dialect}`)
    mkdirSync(folder)
    const backups = { BACKUP_TO: pathToFileURL(folder).href }
    const serve = await startServe({ url, directory, variables: { ...variables, ...backups }, onLog })
    return { url: serve.url, promote, stop: () => serve.stop() }
  }
  await migrateNatively(dialect, url)
  if (way === 'hyperdrive') {
    const hyperdrives = { DATABASE: connectionStringOf({ url }) }
    const built = builtOf(worker)
    const bound = { ...built, options: { ...built.options, hyperdrives } }
    return { ...(await startFunctions(bound, { ...variables, DATABASE_URL: 'hyperdrive://DATABASE' })), promote }
  }
  const gateway = await startGatewayProcess(database)
  const reached = { ...variables, DATABASE_URL: url, DATABASE_GATEWAY_URL: gateway.url }
  const functions = await startFunctions(builtOf(worker), reached)
  return {
    ...{ url: functions.url, promote },
    async stop() {
      await functions.stop()
      await gateway.stop()
    },
  }
}

/** A secret that is shown is logged at every level. */
function onLog(line: string): void {
  if (!line.includes('"event":"secret_revealed"')) process.stderr.write(`${line}\n`)
}

function builtOf(worker: BuiltWorker | undefined): BuiltWorker {
  if (worker === undefined) throw new Error('the functions were not built')
  return worker
}

async function startFunctions(built: BuiltWorker, variables: Variables) {
  const workerd = runWorker(built, variables)
  return { url: (await workerd.ready).origin, stop: () => workerd.dispose() }
}

async function startOnD1(built: BuiltWorker, variables: Variables): Promise<Running> {
  const { url, database, stop } = await startD1Service(built, { vars: variables, isMigrated: true }, () => undefined)
  const promote = async (userId: string) => {
    await database.query(promotion, ['admin', userId])
  }
  return { url, stop, promote }
}

const promotion = 'update users set role = ? where id = ?'

async function migrateNatively(dialect: DialectName, url: string): Promise<void> {
  const database = await openNativeDatabase({ target: targetOf(url) })
  try {
    await migrate(database, readMigrations(workspaceRoot, dialect))
  } finally {
    await database.close()
  }
}

function promoteIn(url: string) {
  return async (userId: string): Promise<void> => {
    const database = await openNativeDatabase({ target: targetOf(url) })
    try {
      // The id is the service's own, and no statement of parameters is the same on all dialects.
      await database.transport().run({ text: `update users set role = 'admin' where id = '${userId}'`, parameters: [] })
    } finally {
      await database.close()
    }
  }
}
