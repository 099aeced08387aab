import { createDatabase, type Database, type DatabaseOptions } from '@millrace/db/store/database'
import type { Connection } from '@millrace/db/sql/transport'
import type { Target } from '@millrace/db/url'
import type { D1Client } from './d1/client.ts'
import type { Fetch } from './fetch.ts'
import type { Endpoint } from './trips.ts'
import { withinLimits } from './within-limits.ts'

export interface DatabaseSettings extends DatabaseOptions {
  readonly target: Target
  /** Where the gateway listens; needed by targets that are reached through one. */
  readonly gatewayUrl?: string | undefined
  readonly gatewayToken?: string | undefined
  /** Leads to the D1 database that the target names; needed by such a target. */
  readonly d1?: D1Client | undefined
  /** In place of the global `fetch`: of a gateway in the same process. */
  readonly fetch?: Fetch | undefined
  /** How long one round trip may take; 30 when absent. */
  readonly timeoutSeconds?: number | undefined
}

/**
 * Loads the driver and the dialect that the target asks for, and no other.
 * @throws TypeError when the target needs a gateway or a way to D1, and none is given.
 */
export async function openDatabase(settings: DatabaseSettings): Promise<Database> {
  return createDatabase(await connectHttp(settings), settings)
}

/** The driver by itself, as {@link openDatabase} takes it. */
export async function connectHttp(settings: DatabaseSettings): Promise<Connection> {
  const { target, d1, timeoutSeconds = 30 } = settings
  if (target.via === 'd1') {
    if (d1 === undefined) throw new TypeError('a D1 database is reached by a binding or by the API of Cloudflare')
    // Its driver makes statements fit.
    return (await import('./d1/connect.ts')).connect(d1, timeoutSeconds)
  }
  const connection = await (target.via === 'hyperdrive'
    ? connectHyperdrive(target, timeoutSeconds)
    : connectByHttp(target, endpointOf(settings)))
  return withinLimits(connection)
}

async function connectByHttp(
  target: Exclude<Target, { via: 'd1' | 'hyperdrive' }>,
  endpoint: Endpoint,
): Promise<Connection> {
  switch (target.dialect) {
    case 'sqlite':
      return (await import('./libsql/connect.ts')).connect(target, endpoint)
    case 'postgres':
      return (await import('./neon/connect.ts')).connect(target, endpoint)
    case 'mysql':
      return (await import('./planetscale/connect.ts')).connect(target, endpoint)
  }
}

async function connectHyperdrive(
  target: Extract<Target, { via: 'hyperdrive' }>,
  timeoutSeconds: number,
): Promise<Connection> {
  switch (target.dialect) {
    case 'postgres':
      return (await import('./hyperdrive/postgres.ts')).connect(target, { timeoutSeconds })
    case 'mysql':
      return (await import('./hyperdrive/mysql.ts')).connect(target, { timeoutSeconds })
  }
}

function endpointOf({ target, gatewayUrl, gatewayToken, fetch, timeoutSeconds = 30 }: DatabaseSettings): Endpoint {
  const needsGateway = target.via === 'gateway' || target.via === 'file'
  if (!needsGateway) return { gatewayUrl: undefined, gatewayToken: undefined, timeoutSeconds }
  if (gatewayUrl === undefined)
    throw new TypeError('DATABASE_GATEWAY_URL is needed: this database has no HTTP endpoint')
  return { gatewayUrl: new URL(gatewayUrl), gatewayToken, timeoutSeconds, fetch }
}
