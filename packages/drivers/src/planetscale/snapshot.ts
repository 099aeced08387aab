import { Client } from '@planetscale/database'
import { DatabaseError } from '@millrace/db/sql/errors'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import { beginConsistent } from '../consistent-snapshot.ts'
import { keptAlive } from '../kept-alive.ts'
import { fetchThrough, unobserved, type Endpoint } from '../trips.ts'
import { castValue } from './cast.ts'
import { mysql } from '@millrace/db/dialects/mysql/dialect'
import { readPlanetScaleError } from './errors.ts'
import { addressOf, basicAuthorization, rawResult, type MysqlTarget } from './transport.ts'

/** The gateway rolls a transaction back that no statement uses for 20 s. */
const quietMilliseconds = 5000

/** A read-only transaction with a consistent snapshot in one session. PlanetScale ends it after 20 s. */
export async function openMysqlSnapshot(target: MysqlTarget, endpoint: Endpoint): Promise<Snapshot> {
  const connection = new Client({
    ...addressOf(target, endpoint),
    cast: castValue,
    fetch: fetchThrough(endpoint, () => unobserved, { Authorization: basicAuthorization(target) }),
  }).connection()
  const snapshot = keptAlive(quietMilliseconds, {
    dialect: mysql,
    async run({ text, parameters }) {
      try {
        const values = parameters.length === 0 ? null : [...parameters]
        return rawResult(await connection.execute<'array'>(text, values, { as: 'array' }))
      } catch (thrown) {
        throw readSnapshotError(thrown)
      }
    },
    async close() {
      // A session whose ROLLBACK fails is ended by the server.
      await connection.execute('rollback').catch(() => undefined)
    },
  })
  return beginConsistent(snapshot)
}

/** A transaction that the platform has ended is errno 1317 in Vitess's words, as a statement that took too long is. */
function readSnapshotError(thrown: unknown): DatabaseError {
  const error = readPlanetScaleError(thrown, undefined)
  if (error.fault !== 'database_timeout') return error
  return new DatabaseError('database_timeout', {
    message: 'the platform ended the transaction before all rows were read (PlanetScale does so after 20 s)',
    fix: 'Read table by table: `millrace backup --consistency table`, at a quiet time.',
    isNotApplied: true,
  })
}
