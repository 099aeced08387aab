import type { Dialect } from '../sql/dialect.ts'
import { connectMysql } from '../dialects/mysql/transport.ts'
import { connectPostgres } from '../dialects/postgres/transport.ts'
import { connectSqlite } from '../dialects/sqlite/transport.ts'
import type { Endpoint } from '../dialects/trips.ts'
import type { Fetch } from '../sql/fetch.ts'
import { DatabaseError, databaseError } from '../sql/errors.ts'
import { pendingMigrations } from '../schema/known-migrations.ts'
import { readPoolStatus, type PoolStatus } from './pool-status.ts'
import { appliedMigrationNames } from './applied-migrations.ts'
import { createRetryBudget, defaultRetryPolicy, type Retrying } from './retry.ts'
import type { Snapshot } from '../sql/snapshot.ts'
import { createStore, type Store } from './store.ts'
import type { Connect, Transport, TripObserver } from '../sql/transport.ts'
import type { Target } from '../url/index.ts'

export interface DatabaseSettings {
  readonly target: Target
  /** Where the gateway listens; needed by targets that are reached through one. */
  readonly gatewayUrl?: string | undefined
  readonly gatewayToken?: string | undefined
  /** In place of the global `fetch`: of a gateway in the same process. */
  readonly fetch?: Fetch | undefined
  /** How long one round trip may take; 30 when absent. */
  readonly timeoutSeconds?: number | undefined
  /** How often at most a statement is sent, the first time counted; as the default policy has it when absent. */
  readonly attempts?: number | undefined
  /** Told of each retry, for metrics. */
  readonly onRetry?: ((error: DatabaseError) => void) | undefined
}

/** A database, once for each isolate or process. It holds no connection: a Store is made for each request. */
export interface Database {
  readonly dialect: Dialect
  /** A store that answers `database_schema_outdated` unless every migration that the code knows is applied. */
  store(observer?: TripObserver): Store
  /** Runs statements without looking at the schema: for the migrator and what comes before it. */
  transport(observer?: TripObserver): Transport
  /** Begins a read-only transaction in which all reads are of one moment, without looking at the schema. */
  snapshot(): Promise<Snapshot>
  /** Migrations that the code knows and the database lacks; all of them where it has no record of any. */
  pendingMigrations(observer?: TripObserver): Promise<readonly string[]>
  /** Of the gateway that serves it; undefined where none does, or it does not say. */
  poolStatus(): Promise<PoolStatus | undefined>
}

/** @throws TypeError when the target needs a gateway and none is given. */
export function openDatabase(settings: DatabaseSettings): Database {
  const endpoint = endpointOf(settings)
  const transport = connect(settings.target, endpoint)
  const memory: Memory = { isSchemaCurrent: false }
  const { attempts = defaultRetryPolicy.attempts, onRetry } = settings
  const retrying: Retrying = { policy: { ...defaultRetryPolicy, attempts }, budget: createRetryBudget(), onRetry }
  return {
    dialect: transport().dialect,
    transport,
    snapshot: () => openSnapshot(settings.target, endpoint),
    pendingMigrations: (observer) => pendingOrAll(transport(observer), retrying),
    poolStatus: () => readPoolStatus(endpoint),
    store(observer) {
      const opened = transport(observer)
      return createStore(opened, { ensureSchema: () => ensureSchema(opened, memory, retrying), retrying })
    },
  }
}

interface Memory {
  isSchemaCurrent: boolean
}

/** A warm isolate remembers that the schema is current: migrations are never taken back. */
async function ensureSchema(transport: Transport, memory: Memory, retrying: Retrying): Promise<void> {
  if (memory.isSchemaCurrent) return
  const missing = await readPending(transport, retrying)
  if (missing.length > 0) {
    throw databaseError('database_schema_outdated', `migrations are missing: ${missing.join(', ')}`, {
      isNotApplied: true,
    })
  }
  memory.isSchemaCurrent = true
}

async function readPending(transport: Transport, retrying: Retrying): Promise<readonly string[]> {
  const unchecked = createStore(transport, { ensureSchema: () => Promise.resolve(), retrying })
  return pendingMigrations(await appliedMigrationNames(unchecked))
}

async function pendingOrAll(transport: Transport, retrying: Retrying): Promise<readonly string[]> {
  try {
    return await readPending(transport, retrying)
  } catch (thrown) {
    if (thrown instanceof DatabaseError && thrown.fault === 'database_schema_outdated') return pendingMigrations([])
    throw thrown
  }
}

function endpointOf({ target, gatewayUrl, gatewayToken, fetch, timeoutSeconds = 30 }: DatabaseSettings): Endpoint {
  const needsGateway = target.via === 'gateway' || target.via === 'file'
  if (!needsGateway) return { gatewayUrl: undefined, gatewayToken: undefined, timeoutSeconds }
  if (gatewayUrl === undefined)
    throw new TypeError('DATABASE_GATEWAY_URL is needed: this database has no HTTP endpoint')
  return { gatewayUrl: new URL(gatewayUrl), gatewayToken, timeoutSeconds, fetch }
}

function connect(target: Target, endpoint: Endpoint): Connect {
  switch (target.dialect) {
    case 'sqlite':
      return connectSqlite(target, endpoint)
    case 'postgres':
      return connectPostgres(target, endpoint)
    case 'mysql':
      return connectMysql(target, endpoint)
  }
}

/** Loaded when one is taken: of the functions only a backup does, and their script is to be small (docs/adr/0035). */
async function openSnapshot(target: Target, endpoint: Endpoint): Promise<Snapshot> {
  switch (target.dialect) {
    case 'sqlite':
      return (await import('../dialects/sqlite/snapshot.ts')).openSqliteSnapshot(target, endpoint)
    case 'postgres':
      return (await import('../dialects/postgres/snapshot.ts')).openPostgresSnapshot(target, endpoint)
    case 'mysql':
      return (await import('../dialects/mysql/snapshot.ts')).openMysqlSnapshot(target, endpoint)
  }
}
