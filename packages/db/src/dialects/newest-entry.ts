import { sql } from 'drizzle-orm'
import type { HistoryDialect } from '../sql/history.ts'

/** By the entries themselves: whoever reads them under the execution's lock reads all that were committed before it. */
export const countedEntries: HistoryDialect = {
  newest: (executions, history) =>
    sql`(select coalesce(max(${history.seq}), 0) from ${history} where ${history.executionId} = ${executions.id})`,
}
