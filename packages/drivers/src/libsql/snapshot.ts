import { createClient } from '@libsql/client/http'
import type { Snapshot } from '@millrace/db/sql/snapshot'
import { keptAlive } from '../kept-alive.ts'
import { plain } from '@millrace/db/dialects/plain'
import { fetchThrough, unobserved, type Endpoint } from '../trips.ts'
import { sqlite } from '@millrace/db/dialects/sqlite/dialect'
import { readLibsqlError } from './errors.ts'
import { addressOf, rawResult, toLibsql, type SqliteTarget } from './transport.ts'

/** A libSQL stream that no request uses for 10 s is closed by the server. */
const quietMilliseconds = 3000

/** A read transaction in a libSQL stream. The first statement takes the snapshot. */
export async function openSqliteSnapshot(target: SqliteTarget, endpoint: Endpoint): Promise<Snapshot> {
  const client = createClient({
    ...addressOf(target, endpoint),
    intMode: 'bigint',
    fetch: fetchThrough(endpoint, () => unobserved),
  })
  try {
    const transaction = await client.transaction('read')
    const snapshot = keptAlive(quietMilliseconds, {
      dialect: sqlite,
      async run(statement) {
        try {
          return rawResult(await transaction.execute(toLibsql(statement)))
        } catch (thrown) {
          throw readLibsqlError(thrown)
        }
      },
      close() {
        transaction.close()
        client.close()
        return Promise.resolve()
      },
    })
    await snapshot.run(plain('select count(*) from sqlite_master'))
    return snapshot
  } catch (thrown) {
    client.close()
    throw thrown
  }
}
