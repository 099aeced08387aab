import { desc, asc, sql } from 'drizzle-orm'
import { toolsOf } from '../dialects/tools.ts'
import type { Dialect } from '../sql/dialect.ts'
import { buildQuery } from '../sql/building.ts'
import { readQuery } from '../store/read-query.ts'
import type { Readable } from './source.ts'

/** Entries that are missing from an execution's history, whose numbers are 1, 2, 3 and so on. */
export interface HistoryGap {
  readonly executionId: string
  /** Number of the entry before, 0 where the first is missing. */
  readonly after: number
  /** Number of the entry that follows. */
  readonly next: number
}

/** What a whole table may take. */
const findSeconds = 3600

/** The gaps in the histories of executions: by execution, the last one of each first. */
export async function findHistoryGaps(database: Readable, limit: number): Promise<readonly HistoryGap[]> {
  const { builder, tables } = database.dialect
  const { executionId, seq } = tables.executionHistory
  const entries = builder
    .select({
      executionId: sql<string>`${executionId}`.as('execution'),
      next: sql<number>`${seq}`.as('next'),
      after: sql<number>`coalesce(lag(${seq}) over (partition by ${executionId} order by ${seq}), 0)`.as('after'),
    })
    .from(tables.executionHistory)
    .as('entries')
  const gaps = builder
    .select({
      executionId: sql<string>`${entries.executionId}`.mapWith(String),
      after: sql<number>`${entries.after}`.mapWith(Number),
      next: sql<number>`${entries.next}`.mapWith(Number),
    })
    .from(entries)
    .where(sql`${entries.next} <> ${entries.after} + 1`)
    .orderBy(asc(sql`${entries.executionId}`), desc(sql`${entries.next}`))
    .limit(limit)
  return readQuery(database, { ...buildQuery(gaps), timeoutSeconds: findSeconds })
}

/** Far behind every entry: where some wait whose numbers are not free yet. */
const aside = 1_000_000_000

/**
 * The statements that number the entries behind gaps anew. Nothing else of them changes.
 * @param gaps as they were found: of one execution the last gap first
 */
export function gapRepairs(dialect: Dialect, gaps: readonly HistoryGap[]): readonly string[] {
  const { literal } = toolsOf(dialect).catalogue
  const executions = [...new Set(gaps.map(({ executionId }) => executionId))]
  return executions.flatMap((executionId) => {
    const id = literal(executionId)
    const update = (change: string, from: number) =>
      `update execution_history set seq = ${change} where execution_id = ${id} and seq > ${from}`
    return [
      ...gaps
        .filter((gap) => gap.executionId === executionId)
        .flatMap(({ after, next }) => [
          update(`seq + ${aside}`, after),
          update(`seq - ${aside + next - after - 1}`, aside),
        ]),
      `update executions set last_seq = (select max(seq) from execution_history where execution_id = ${id}) where id = ${id}`,
    ]
  })
}
