import { sql } from 'drizzle-orm'
import type { HistoryDialect } from '../../sql/history.ts'

/**
 * By the column: a statement that waited for the row sees the row anew, but what a subquery reads of other tables is of
 * the moment before the wait. So every write of this dialect keeps `last_seq`.
 */
export const postgresHistory: HistoryDialect = {
  newest: (executions) => sql`${executions.lastSeq}`,
}
