import type { Dialect } from '../sql/dialect.ts'
import { DatabaseError, databaseError } from '../sql/errors.ts'
import type { Loading } from '../sql/loading.ts'
import type { Snapshot } from '../sql/snapshot.ts'
import type { Connection, PoolStatus, Transport, TripObserver } from '../sql/transport.ts'
import { pendingMigrations } from '../schema/known-migrations.ts'
import { appliedMigrationNames } from './applied-migrations.ts'
import type { Sharing } from './coalescer.ts'
import { createRetryBudget, defaultRetryPolicy, type Retrying } from './retry.ts'
import { createStore, type Store } from './store.ts'

export interface DatabaseOptions {
  /** How often at most a statement is sent, the first time counted; as the default policy has it when absent. */
  readonly attempts?: number | undefined
  /** Told of each retry, for metrics. */
  readonly onRetry?: ((error: DatabaseError) => void) | undefined
  /** Whether requests may wait for each other's round trips, so that one can serve several: not in workerd. */
  readonly sharesTrips?: boolean | undefined
}

/** A database, once for each isolate or process. A Store is made for each request. */
export interface Database {
  readonly dialect: Dialect
  /** A store that answers `database_schema_outdated` unless every migration that the code knows is applied. */
  store(observer?: TripObserver): Store
  /** Runs statements without looking at the schema: for the migrator and what comes before it. */
  transport(observer?: TripObserver): Transport
  /** Begins a read-only transaction in which all reads are of one moment, without looking at the schema. */
  snapshot(): Promise<Snapshot>
  /**
   * Opens sessions that many rows are loaded by, without looking at the schema; undefined where the driver has none.
   * @param from what the rows are read from, where it may be copied from
   */
  load(from?: Snapshot): Promise<Loading | undefined>
  /** Migrations that the code knows and the database lacks; all of them where it has no record of any. */
  pendingMigrations(observer?: TripObserver): Promise<readonly string[]>
  /** Of the pool or the gateway that serves it; undefined where none does, or it does not say. */
  poolStatus(): Promise<PoolStatus | undefined>
  /** Ends its connections, where it holds any. Never throws. */
  close(): Promise<void>
}

export function createDatabase(connection: Connection, options: DatabaseOptions = {}): Database {
  const memory: Memory = { isSchemaCurrent: false }
  const { attempts = defaultRetryPolicy.attempts, onRetry, sharesTrips = false } = options
  const retrying: Retrying = { policy: { ...defaultRetryPolicy, attempts }, budget: createRetryBudget(), onRetry }
  return {
    dialect: connection.dialect,
    transport: (observer) => connection.transport(observer),
    snapshot: () => connection.snapshot(),
    load: async (from) => connection.load?.(from),
    pendingMigrations: (observer) => pendingOrAll(connection.transport(observer), retrying),
    poolStatus: () => connection.poolStatus(),
    close: () => connection.close(),
    store(observer) {
      const transport = connection.transport(observer)
      return createStore(transport, {
        ensureSchema: () => ensureSchema(transport, memory, retrying),
        retrying,
        sharing: sharesTrips ? sharingOf(memory, observer) : undefined,
        memory,
      })
    },
  }
}

function sharingOf(scope: Memory, observer: TripObserver | undefined): Sharing {
  return { scope, noteTrip: (milliseconds, statement) => observer?.trip(milliseconds, statement, () => []) }
}

interface Memory {
  isSchemaCurrent: boolean
}

/** A warm isolate remembers that the schema is current: migrations are never taken back. */
function ensureSchema(transport: Transport, memory: Memory, retrying: Retrying): Promise<void> | undefined {
  return memory.isSchemaCurrent ? undefined : checkSchema(transport, memory, retrying)
}

async function checkSchema(transport: Transport, memory: Memory, retrying: Retrying): Promise<void> {
  const missing = await readPending(transport, retrying)
  if (missing.length > 0) {
    throw databaseError('database_schema_outdated', `migrations are missing: ${missing.join(', ')}`, {
      isNotApplied: true,
    })
  }
  memory.isSchemaCurrent = true
}

async function readPending(transport: Transport, retrying: Retrying): Promise<readonly string[]> {
  const unchecked = createStore(transport, { ensureSchema: () => undefined, retrying })
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
