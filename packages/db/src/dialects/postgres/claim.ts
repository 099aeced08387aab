import { sql, type SQL } from 'drizzle-orm'
import type { ClaimDialect } from '../../sql/claiming.ts'
import { setClause } from '../set-clause.ts'

/** Tells these advisory locks from those of other programs. */
const oneClaim = sql.raw('1835626602')

/**
 * Claimers pass each other: each takes the first rows that nobody else holds. What a claim looks through is read without
 * a lock, and only what it takes is locked, so no row is kept from the others that this claim then leaves. A claimer
 * that met nothing but rows of others asks again: `seen` tells it so.
 */
export const postgresClaim: ClaimDialect = {
  before(operation) {
    // A claim whose answer was lost may still run when it is sent again: the second waits, and then finds the first.
    const alone = sql`pg_advisory_xact_lock(${oneClaim}, hashtext(${operation}))`
    // The planner takes each workflow for an average one, whose backlog is soon sorted; in a large one only the index
    // has the order at once, and without bitmaps it is the cheapest there is.
    const inIndexOrder = sql`set_config('enable_bitmapscan', 'off', true)`
    // By the index of the workflow's own executions: to follow another one past a backlog of other workflows looks cheap,
    // because its rows lie side by side, which in memory is worth nothing.
    const byOwnIndex = sql`set_config('random_page_cost', '1', true)`
    // Planned once for a connection: planning took ten times as long as the claim. A plan that is kept must not read a
    // table from end to end because it was small when the plan was made.
    const plannedOnce = sql`set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)`
    // Who owns thousands of workflows makes the estimate large, and the compiler take seconds for milliseconds of work.
    const uncompiled = sql`set_config('jit', 'off', true)`
    return [sql`select ${alone}, ${inIndexOrder}, ${byOwnIndex}, ${plannedOnce}, ${uncompiled}`]
  },
  isFirst: (taken) => sql`not exists (${taken})`,
  held({ candidates, executions, limit, isTakeable, isSpent }) {
    const inOrder = (isExhausted: SQL) =>
      sql`(select * from ${candidates} candidates where is_exhausted = ${isExhausted} order by due_since, due_id) candidates`
    const fields = sql`candidates.due_id, candidates.due_since, candidates.was_running, candidates.is_exhausted`
    const lock = sql`for update of ${executions} skip locked`
    const takeable = sql`select ${fields} from ${inOrder(sql`0`)} join ${executions} on ${executions.id} = candidates.due_id where ${isTakeable} order by candidates.due_since, candidates.due_id limit ${sql.raw(String(limit))} ${lock}`
    const spent = sql`select ${fields} from ${inOrder(sql`1`)} join ${executions} on ${executions.id} = candidates.due_id where ${isSpent} ${lock}`
    return sql`select * from (${takeable}) takeable union all select * from (${spent}) spent`
  },
  change: {
    kind: 'whole',
    compose({ candidates, source, set, executions, effects, answer }) {
      const change = sql`update ${executions} set ${setClause(set)} from chosen where ${executions.id} = chosen.chosen_id returning ${executions}.*`
      const parts = [
        sql`due as materialized (${candidates})`,
        sql`chosen as materialized (${source(sql`due`)})`,
        // By the table's own name, which only what comes after it finds.
        sql`${executions} as (${change})`,
        ...effects.map((effect, position) => sql`${sql.raw(`effect_${position}`)} as (${effect})`),
      ]
      return sql`with ${sql.join(parts, sql`, `)} ${answer(sql`(select count(*) from due)`)}`
    },
  },
}
