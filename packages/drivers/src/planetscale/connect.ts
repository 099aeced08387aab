import { mysql } from '@millrace/db/dialects/mysql/dialect'
import type { Connection } from '@millrace/db/sql/transport'
import { readPoolStatus } from '../pool-status.ts'
import type { Endpoint } from '../trips.ts'
import { planetScaleTransports, type MysqlTarget } from './transport.ts'

export function connect(target: MysqlTarget, endpoint: Endpoint): Connection {
  return {
    dialect: mysql,
    transport: planetScaleTransports(target, endpoint),
    async snapshot() {
      // Of the functions only a backup takes one, and their script is to be small (docs/adr/0035).
      const { openMysqlSnapshot } = await import('./snapshot.ts')
      return openMysqlSnapshot(target, endpoint)
    },
    poolStatus: () => readPoolStatus(endpoint),
    // Each request is a connection of its own to the endpoint.
    close: () => Promise.resolve(),
  }
}
