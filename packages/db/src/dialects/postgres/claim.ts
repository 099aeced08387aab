import { sql, type SQL } from 'drizzle-orm'
import type { ClaimDialect, WholeClaim } from '../../sql/claiming.ts'
import { setClause } from '../set-clause.ts'

/** Tells these advisory locks from those of other programs. */
const oneClaim = sql.raw('1835626602')

// A claim whose answer was lost may still run when it is sent again: the second waits, and then finds the first.
const alone = (operation: SQL) => sql`pg_advisory_xact_lock(${oneClaim}, hashtext(${operation}))`
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

/**
 * Claimers pass each other: each takes the first rows that nobody else holds. What a claim looks through is read without
 * a lock, and only what it takes is locked, so no row is kept from the others that this claim then leaves. A claimer
 * that met nothing but rows of others asks again: `seen` tells it so.
 */
export const postgresClaim: ClaimDialect = {
  before: [
    (operation) => sql`select ${alone(operation)}, ${inIndexOrder}, ${byOwnIndex}, ${plannedOnce}, ${uncompiled}`,
  ],
  isFirst: (taken) => sql`not exists (${taken})`,
  // No index has a workflow's executions by their leases: to find those that have lost theirs, a plan that knows the
  // table's numbers reads all that the workflow has running. Of everyone's there are mostly few, if any.
  mostLost: 100,
  // Used up ones first: however many there are, the limit leaves room for the others. Where some are held by other
  // transactions a few more than `limit` are locked, which their places then leave out.
  held({ candidates, executions, limit, isFirst, isStillDue, isExhausted }) {
    const order = sql`is_exhausted desc, due_since, due_id`
    const inOrder = sql`(select * from ${candidates} candidates order by ${order}) candidates`
    const most = sql`${limit} + (select count(*) from ${candidates} spent where spent.is_exhausted = 1)`
    // In a subquery of its own, which reads the row by its key: as a join, a plan that was made when the table was small
    // reads all that are pending or running, with each claim. Rows come one by one, as the limit asks for them.
    // Whether it was running is asked of the row that is locked: its worker may have given it back since the claim looked.
    const wasRunning = sql`case when ${executions.status} = 'running' then 1 else 0 end as was_running`
    const locked = sql`select ${wasRunning} from ${executions} where ${executions.id} = candidates.due_id and ${isStillDue} and ${isFirst ?? sql`1 = 1`} and candidates.is_exhausted = ${isExhausted} for update of ${executions} skip locked`
    return sql`select candidates.due_id, candidates.due_since, locked.was_running, candidates.is_exhausted from ${inOrder} cross join lateral (${locked}) locked order by candidates.is_exhausted desc, candidates.due_since, candidates.due_id limit ${most}`
  },
  change: {
    kind: 'whole',
    compose({ caller, candidates, source, set, executions, effects, answer }) {
      const change = sql`update ${executions} set ${setClause(set)} from chosen where ${executions.id} = chosen.chosen_id returning ${executions}.*`
      // By the table's own name, as the caller's rows: only what comes after it finds it.
      const parts = [
        ...caller.map(({ table, where }) => sql`${table} as materialized (select * from ${table} where ${where})`),
        sql`due as materialized (${candidates})`,
        sql`chosen as materialized (${source(sql`due`)})`,
        ...changeParts(executions, change, effects),
      ]
      return sql`with ${sql.join(parts, sql`, `)} ${answer(sql`case when exists (select 1 from due) then 1 else 0 end`)}`
    },
    // One that is used up stays as it is, locked until the end: whoever claims then finds it.
    composeHead({ head, set, executions, effects, answer }) {
      const change = sql`update ${executions} set ${setClause(set)} where ${executions.id} = (select head_id from head where is_exhausted = 0) returning ${executions}.*`
      const parts = [
        sql`head as materialized (${head} for update of ${executions} skip locked)`,
        ...changeParts(executions, change, effects),
      ]
      return sql`with ${sql.join(parts, sql`, `)} ${answer}`
    },
  },
}

function changeParts(executions: WholeClaim['executions'], change: SQL, effects: readonly SQL[]): readonly SQL[] {
  const entries = effects.map((effect, position) => sql`${sql.raw(`effect_${position}`)} as (${effect})`)
  return [sql`${executions} as (${change})`, ...entries]
}
