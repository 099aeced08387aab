import { and, asc, eq, inArray, lt, not, sql, type Column, type SQL } from 'drizzle-orm'
import type { ExecutionStatus } from '../../schema/schema.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Query, Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { existsIn } from '../../sql/exists.ts'

/** Executions that one batch deletes, and how many batches a run has. */
const atOnce = 250
const mostBatches = 40

const ended: ExecutionStatus[] = ['completed', 'failed', 'cancelled']

/**
 * Deletes executions that ended before a moment, with their histories, oldest first. A run does a bounded part of it; one
 * that another transaction holds is left to the next.
 * @returns how many
 */
export async function sweepEndedExecutions(store: Store, before: Date): Promise<number> {
  let deleted = 0
  for (let batch = 0; batch < mostBatches; batch += 1) {
    const ids = (await store.read(endedQuery(store.dialect, before))).map(({ id }) => id)
    if (ids.length === 0) break
    const count = await deleteEnded(store, ids)
    deleted += count
    if (count === 0 || ids.length < atOnce) break
  }
  return deleted
}

/** The query of the oldest that ended, for its plan. */
export function endedQuery(dialect: Dialect, before: Date): Query<{ id: string }> {
  const { executions } = dialect.tables
  return buildQuery(
    dialect.builder
      .select({ id: executions.id })
      .from(executions)
      .where(and(lt(executions.completedAt, before), inArray(executions.status, ended)))
      .orderBy(asc(executions.completedAt), asc(executions.id))
      .limit(atOnce),
  )
}

/** Sent again after a lost answer it finds nothing: only what is there and has ended is deleted. */
async function deleteEnded(store: Store, ids: readonly string[]): Promise<number> {
  const [, deleted = 0] = await store.tidy([deleteHistory(store.dialect, ids), deleteExecutions(store.dialect, ids)])
  return deleted
}

function deleteHistory(dialect: Dialect, ids: readonly string[]): Statement {
  const { executionHistory } = dialect.tables
  return buildStatement(
    dialect.builder.delete(executionHistory).where(isFree(dialect, executionHistory.executionId, ids)),
  )
}

/** One that became free only now has its history still: it waits for the next run. */
function deleteExecutions(dialect: Dialect, ids: readonly string[]): Statement {
  const { builder, tables } = dialect
  const { executions, executionHistory } = tables
  const history = existsIn(dialect, executionHistory, eq(executionHistory.executionId, executions.id))
  const isEnded = inArray(executions.status, ended)
  return buildStatement(
    builder.delete(executions).where(and(isFree(dialect, executions.id, ids), isEnded, not(history))),
  )
}

/** Of ended executions, which nothing changes any more: where the dialect can, those that nobody holds. */
function isFree(dialect: Dialect, id: Column, ids: readonly string[]): SQL {
  const { executions } = dialect.tables
  if (dialect.skippingLocked === undefined) return inArray(id, [...ids])
  const condition = and(inArray(executions.id, [...ids]), inArray(executions.status, ended))
  return sql`${id} in (${dialect.skippingLocked(sql`select ${executions.id} from ${executions} where ${condition}`)})`
}
