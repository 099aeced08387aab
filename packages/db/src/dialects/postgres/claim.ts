import { sql } from 'drizzle-orm'
import type { ClaimDialect } from '../../sql/claiming.ts'
import { setClause } from '../set-clause.ts'

/** Tells these advisory locks from those of other programs. */
const everyonesClaims = sql.raw('1835626601')
const oneCallersClaims = sql.raw('1835626602')

/**
 * `skip locked` alone would let a claimer overlook what another holds for a moment and then leaves: claims of one
 * caller follow one another, and an administrator's, which reach everyone's executions, follow all. A statement of its
 * own, so that the next one sees what the claim before has committed.
 */
export const postgresClaim: ClaimDialect = {
  waitForOthers({ userId, mayAdminister }) {
    const shared = sql`pg_advisory_xact_lock_shared(${everyonesClaims})`
    const alone = sql`pg_advisory_xact_lock(${everyonesClaims})`
    const isAdministrator = sql`exists (select 1 from users where id = ${userId} and role = 'admin')`
    const everyones = mayAdminister ? sql`case when ${isAdministrator} then ${alone} else ${shared} end` : shared
    const callers = sql`pg_advisory_xact_lock(${oneCallersClaims}, hashtext(${userId}))`
    // The planner takes each workflow for an average one, whose backlog is soon sorted; in a large one only the index
    // has the order at once.
    const inIndexOrder = sql`set_config('enable_sort', 'off', true)`
    return [sql`select ${everyones}, ${callers}, ${inIndexOrder}`]
  },
  isFirst: (taken) => sql`not exists (${taken})`,
  // What a cancellation or a heartbeat is changing at the moment is not waited for.
  chosen: (subquery, executions) => sql`${subquery} for update of ${executions} skip locked`,
  // A common table expression that locks is evaluated once; a subquery in `from` may be run again for each row.
  update: (executions, { set, source, where }) =>
    sql`with chosen as materialized (${source}) update ${executions} set ${setClause(set)} from chosen where ${executions.id} = chosen.chosen_id and ${where}`,
}
