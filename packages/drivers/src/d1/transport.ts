import type { RawResult, Statement } from '@millrace/db/sql/statement'
import type { Connect, TripObserver } from '@millrace/db/sql/transport'
import { observed } from '../observed.ts'
import type { D1Client } from './client.ts'
import { d1Dialect } from './dialect.ts'
import { readD1Error } from './errors.ts'
import { inPlaceOfRenaming } from './rebuild.ts'
import { d1Limits } from './limits.ts'
import { toD1 } from './statement.ts'

/** Each call is one request to the database, which serves them one after the other: nothing is pooled or kept. */
export function d1Transports(client: D1Client, timeoutSeconds: number): Connect {
  return (observer) => ({
    dialect: d1Dialect,
    limits: d1Limits,
    platform: 'd1',
    async run(statement) {
      const [result] = await sendAll(client, observer, [statement], timeoutSeconds)
      return result ?? { rows: [], affected: 0 }
    },
    async transact(writes, reads) {
      return sendAll(client, observer, [...writes, ...reads], timeoutSeconds)
    },
    async transactUnchecked(writes) {
      const { statements, resultOf } = inPlaceOfRenaming(writes)
      const results = await sendAll(client, observer, statements, timeoutSeconds)
      return writes.map((_, position) => results[resultOf(position)] ?? { rows: [], affected: 0 })
    },
  })
}

async function sendAll(
  client: D1Client,
  observer: TripObserver | undefined,
  statements: readonly Statement[],
  timeoutSeconds: number,
): Promise<readonly RawResult[]> {
  const own = statements.find((statement) => statement.timeoutSeconds !== undefined)?.timeoutSeconds
  const sent = statements.map(toD1)
  return observed(observer, statements, async () => {
    try {
      return await client.send(sent, own ?? timeoutSeconds)
    } catch (thrown) {
      throw readD1Error(thrown)
    }
  })
}
