import type { Connection } from '@millrace/db/sql/transport'
import type { D1Client } from './client.ts'
import { d1Dialect } from './dialect.ts'
import { d1Transports } from './transport.ts'

/** A D1 database by whichever way leads to it. What opened the way closes it. */
export function connect(client: D1Client, timeoutSeconds: number): Connection {
  const transport = d1Transports(client, timeoutSeconds)
  return {
    dialect: d1Dialect,
    transport,
    async snapshot() {
      // Of the functions only a backup takes one, and their script is to be small (docs/adr/0035).
      const { openWatchedSnapshot } = await import('./snapshot.ts')
      return openWatchedSnapshot(transport())
    },
    poolStatus: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  }
}
