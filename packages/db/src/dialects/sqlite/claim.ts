import { sql } from 'drizzle-orm'
import type { ClaimDialect } from '../../sql/claiming.ts'
import { setClause } from '../set-clause.ts'

/** One writer at a time, from BEGIN IMMEDIATE on: nothing is to be locked. */
export const sqliteClaim: ClaimDialect = {
  waitForOthers: () => [],
  isFirst: (taken) => sql`not exists (${taken})`,
  chosen: (subquery) => subquery,
  update: (executions, { set, source, where }) =>
    sql`update ${executions} set ${setClause(set)} from (${source}) chosen where ${executions.id} = chosen.chosen_id and ${where}`,
}
