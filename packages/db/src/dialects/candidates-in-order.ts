import { sql } from 'drizzle-orm'
import type { ClaimDialect } from '../sql/claiming.ts'

/** For dialects where claimers that could meet follow one another: the first by their place, and the used up ones. */
export const candidatesInOrder: ClaimDialect['held'] = ({ candidates, executions, limit, isStillDue, isExhausted }) => {
  const placed = sql`select candidates.due_id, candidates.due_since, candidates.was_running, candidates.is_exhausted, row_number() over (partition by candidates.is_exhausted order by candidates.due_since, candidates.due_id) as place from (${candidates}) candidates`
  return sql`select placed.due_id, placed.due_since, placed.was_running, placed.is_exhausted from (${placed}) placed join ${executions} on ${executions.id} = placed.due_id where ${isStillDue} and placed.is_exhausted = ${isExhausted} and (placed.is_exhausted = 1 or placed.place <= ${limit})`
}
