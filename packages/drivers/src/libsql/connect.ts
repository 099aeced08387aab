import { sqlite } from '@millrace/db/dialects/sqlite/dialect'
import type { Connection } from '@millrace/db/sql/transport'
import { readPoolStatus } from '../pool-status.ts'
import type { Endpoint } from '../trips.ts'
import { libsqlTransports, type SqliteTarget } from './transport.ts'

export function connect(target: SqliteTarget, endpoint: Endpoint): Connection {
  return {
    dialect: sqlite,
    transport: libsqlTransports(target, endpoint),
    async snapshot() {
      // Of the functions only a backup takes one, and their script is to be small (docs/adr/0035).
      const { openSqliteSnapshot } = await import('./snapshot.ts')
      return openSqliteSnapshot(target, endpoint)
    },
    poolStatus: () => readPoolStatus(endpoint),
    // Each request is a connection of its own to the endpoint.
    close: () => Promise.resolve(),
  }
}
