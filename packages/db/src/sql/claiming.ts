import type { Column, SQL } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'

type Executions = Tables['executions']

/** How a dialect hands executions out to many claimers at once. */
export interface ClaimDialect {
  /**
   * Statements that come first in a claim's transaction and wait for claims that could reach the same executions, so
   * that each sees what the one before has left. None where the claim's own statement waits.
   */
  waitForOthers(caller: { readonly userId: string; readonly mayAdminister: boolean }): readonly SQL[]
  /**
   * The condition that the claim has taken nothing yet, for one that is sent again after its answer was lost; undefined
   * where looking for that would keep other callers' claims from going on.
   */
  isFirst(taken: SQL): SQL | undefined
  /** Locks the executions that the subquery reads and leaves out those that another transaction is changing. */
  chosen(subquery: SQL, executions: Executions): SQL
  /** Updates the executions that `source`, known as `chosen` with their ids in `chosen_id`, gives. */
  update(
    executions: Executions,
    change: { readonly set: readonly (readonly [Column, SQL])[]; readonly source: SQL; readonly where: SQL },
  ): SQL
}
