import type { SQL } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'

/** How a dialect numbers the entries of an execution's history without a gap. */
export interface HistoryDialect {
  /** The `seq` of the newest entry of the row of `executions` that the statement holds a lock on. */
  newest(executions: Tables['executions'], history: Tables['executionHistory']): SQL
}
