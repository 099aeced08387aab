import { and, asc, eq, gt, gte, inArray, lt, not, or, sql, type Column, type SQL } from 'drizzle-orm'
import { isNotRestoring } from '../../access/conditions.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import { existsIn } from '../../sql/exists.ts'
import type { Keyset } from '../../sql/keyset.ts'
import type { Query, Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { leaveTurn } from '../../store/turns.ts'

/** Executions that one batch deletes at most. */
const executionsAtOnce = 250
/**
 * Entries of their histories that one batch deletes at most, but for an execution that has more by itself: one statement holds
 * what it deletes, and on SQLite all other writers, for as long as it takes.
 */
const entriesAtOnce = 2500
/** On PlanetScale a batch is five requests, of the thousand that one run of a Worker may send for all that it sweeps. */
const mostBatches = 120

const ended: ExecutionStatus[] = ['completed', 'failed', 'cancelled']

interface Ended {
  readonly id: string
  readonly at: Date
  readonly entries: number
}

/**
 * Deletes executions that ended before a moment, with their histories, oldest first. A run does a bounded part of it, and
 * passes over those that another transaction holds: they are left to the next.
 * @param signal Ends the run after the batch that is under way.
 * @returns how many
 */
export async function sweepEndedExecutions(store: Store, before: Date, signal?: AbortSignal): Promise<number> {
  let deleted = 0
  let after: Keyset | undefined
  for (let batch = 0; batch < mostBatches; batch += 1) {
    const startedAt = performance.now()
    const found = await store.read(endedQuery(store.dialect, before, after))
    const taken = found.slice(0, fittingCount(found))
    const last = taken.at(-1)
    if (last === undefined) break
    deleted += await deleteEnded(
      store,
      taken.map(({ id }) => id),
    )
    const isLast = found.length < executionsAtOnce && taken.length === found.length
    if (isLast || signal?.aborted === true) break
    after = last
    await leaveTurn(store, startedAt)
  }
  return deleted
}

/** How many of the first go into one batch: at least one. */
function fittingCount(found: readonly Ended[]): number {
  let entries = 0
  const tooMany = found.findIndex((one) => {
    entries += one.entries
    return entries > entriesAtOnce
  })
  return tooMany === -1 ? found.length : Math.max(1, tooMany)
}

/** The oldest that ended; `after` one that has been looked at, since what is held stays where it is. */
function endedQuery(dialect: Dialect, before: Date, after: Keyset | undefined): Query<Ended> {
  const { completedAt, id, status, lastSeq } = dialect.tables.executions
  const isAfter =
    after === undefined ? undefined : and(gte(completedAt, after.at), or(gt(completedAt, after.at), gt(id, after.id)))
  return buildQuery(
    dialect.builder
      .select({ id, at: sql<Date>`${completedAt}`.mapWith(completedAt), entries: lastSeq })
      .from(dialect.tables.executions)
      .where(and(lt(completedAt, before), isAfter, inArray(status, ended)))
      .orderBy(asc(completedAt), asc(id))
      .limit(executionsAtOnce),
  )
}

/** Sent again after a lost answer it finds nothing: only what is there and has ended is deleted. */
async function deleteEnded(store: Store, ids: readonly string[]): Promise<number> {
  const { dialect } = store
  const { executions, executionHistory } = dialect.tables
  // One that became free only now has its history still: it waits for the next run.
  const hasNoHistory = not(existsIn(dialect, executionHistory, eq(executionHistory.executionId, executions.id)))
  const [, deleted = 0] = await store.tidy([
    deletion(dialect, executionHistory.executionId, freeEnded(dialect, ids)),
    deletion(dialect, executions.id, freeEnded(dialect, ids, hasNoHistory)),
  ])
  return deleted
}

function deletion(dialect: Dialect, column: Column, chosen: SQL): Statement {
  return buildStatement({ toSQL: () => dialect.toSQL(dialect.deletion(column, chosen)) })
}

/**
 * Of these that have ended, and so change no more: where the dialect can, those that nobody holds. None while others restore
 * into the database, who prove what they have written.
 */
function freeEnded(dialect: Dialect, ids: readonly string[], condition?: SQL): SQL {
  const { executions } = dialect.tables
  const isMeant = and(
    inArray(executions.id, [...ids]),
    inArray(executions.status, ended),
    isNotRestoring(dialect),
    condition,
  )
  // The limit keeps MySQL from reading the table that it deletes from row by row, which it would refuse.
  const limit = sql.raw(String(ids.length))
  const free = sql`select ${executions.id} as chosen_id from ${executions} where ${isMeant} limit ${limit}`
  return dialect.skippingLocked?.(free) ?? free
}
