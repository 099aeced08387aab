import { sql } from 'drizzle-orm'
import type { ClaimDialect } from '../../claiming.ts'
import { setClause } from '../set-clause.ts'

/** Tells these advisory locks from those of other programs. */
const everyonesClaims = 1_835_626_601
const oneCallersClaims = 1_835_626_602

/**
 * `skip locked` alone would let a claimer overlook what another holds for a moment and then leaves: claims of one
 * caller follow one another, and an administrator's, which reach everyone's executions, follow all. A statement of its
 * own, so that the next one sees what the claim before has committed.
 */
export const postgresClaim: ClaimDialect = {
  waitForOthers: ({ userId, mayAdminister }) => [
    mayAdminister
      ? sql`select case when exists (select 1 from users where id = ${userId} and role = 'admin') then pg_advisory_xact_lock(${sql.raw(String(everyonesClaims))}) else pg_advisory_xact_lock_shared(${sql.raw(String(everyonesClaims))}) end, pg_advisory_xact_lock(${sql.raw(String(oneCallersClaims))}, hashtext(${userId}))`
      : sql`select pg_advisory_xact_lock_shared(${sql.raw(String(everyonesClaims))}), pg_advisory_xact_lock(${sql.raw(String(oneCallersClaims))}, hashtext(${userId}))`,
  ],
  candidates: (subquery) => subquery,
  // What a cancellation or a heartbeat is changing at the moment is not waited for.
  chosen: (subquery, executions) => sql`${subquery} for update of ${executions} skip locked`,
  // A common table expression that locks is evaluated once; a subquery in `from` may be run again for each row.
  update: (executions, { set, source, where }) =>
    sql`with chosen as materialized (${source}) update ${executions} set ${setClause(set)} from chosen where ${executions.id} = chosen.chosen_id and ${where}`,
}
