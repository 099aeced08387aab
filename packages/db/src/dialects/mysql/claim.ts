import { sql } from 'drizzle-orm'
import type { ClaimDialect } from '../../sql/claiming.ts'
import { setClause } from '../set-clause.ts'

/**
 * Every part of the candidates begins with the caller's own row of `users`: the lock on it makes claims of one caller
 * follow one another. Reads of an update lock in any case, and shared locks that two claims hold at once would end in
 * a deadlock when both go on to update.
 */
export const mysqlClaim: ClaimDialect = {
  before: [],
  // Reading for an update what isn't there locks the gap, into which other callers' claims write at the same time.
  isFirst: () => undefined,
  // Reading for an update locks what it reads, and these would be other callers'.
  mostLost: undefined,
  // Read for an update, they are as they are now, and stay so.
  held: ({ candidates }) => sql`select * from ${candidates} candidates`,
  change: {
    kind: 'batch',
    update: ({ set, source, executions }) =>
      sql`update (${source}) chosen join ${executions} on ${executions.id} = chosen.chosen_id set ${setClause(set)}`,
  },
}
