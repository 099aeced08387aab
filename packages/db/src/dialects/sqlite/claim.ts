import { sql } from 'drizzle-orm'
import type { ClaimDialect } from '../../sql/claiming.ts'
import { setClause } from '../set-clause.ts'

/** One writer at a time, from BEGIN IMMEDIATE on: nothing is to be locked. */
export const sqliteClaim: ClaimDialect = {
  before: [],
  isFirst: (taken) => sql`not exists (${taken})`,
  mostLost: 100,
  held: ({ candidates, isFirst }) => sql`select * from ${candidates} candidates where ${isFirst ?? sql`1 = 1`}`,
  change: {
    kind: 'batch',
    update: ({ set, source, executions }) =>
      sql`update ${executions} set ${setClause(set)} from (${source}) chosen where ${executions.id} = chosen.chosen_id`,
  },
}
