import { postgres } from '@millrace/db/dialects/postgres/dialect'
import type { Connection } from '@millrace/db/sql/transport'
import { readPoolStatus } from '../pool-status.ts'
import type { Endpoint } from '../trips.ts'
import { neonTransports, type PostgresTarget } from './transport.ts'

export function connect(target: PostgresTarget, endpoint: Endpoint): Connection {
  return {
    dialect: postgres,
    transport: neonTransports(target, endpoint),
    async snapshot() {
      // Of the functions only a backup takes one, and their script is to be small (docs/adr/0035).
      const { openPostgresSnapshot } = await import('./snapshot.ts')
      return openPostgresSnapshot(target, endpoint)
    },
    poolStatus: () => readPoolStatus(endpoint),
    // Each request is a connection of its own to the endpoint.
    close: () => Promise.resolve(),
  }
}
