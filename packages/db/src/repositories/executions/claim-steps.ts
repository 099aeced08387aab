import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Dialect } from '../../sql/dialect.ts'
import { buildQuery } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'
import type { ClaimedExecution } from './claim-answer.ts'
import { entryFields, entryOf, isWhole, type Entry } from './entries.ts'
import { mostPageBytes, bytesOf } from '../../sql/page-bytes.ts'

/**
 * The steps of what was claimed, oldest first, by its id: in the order of the claim as far as the answer has room for
 * them, then null. One that has none is not among them. Whoever held the executions before can record no more.
 */
export async function stepsOf(
  store: Store,
  items: readonly ClaimedExecution[],
): Promise<ReadonlyMap<string, readonly Entry[] | null>> {
  const rows = await store.read(stepsQuery(store.dialect, items))
  const steps = new Map<string, Entry[] | null>()
  for (const row of rows) {
    const known = steps.get(row.executionId)
    if (row.isTooMuch === 1) steps.set(row.executionId, null)
    else if (isWhole(row) && known !== null) steps.set(row.executionId, [...(known ?? []), entryOf(row)])
  }
  return steps
}

function stepsQuery(dialect: Dialect, items: readonly ClaimedExecution[]) {
  const { builder, tables } = dialect
  const { executions, executionHistory: history } = tables
  const ids = items.map(({ id }) => id)
  const used = items.reduce(
    (sum, { input, state, definition }) => sum + textBytes(input) + textBytes(state) + textBytes(definition),
    0,
  )
  const room = sql.raw(String(Math.max(0, mostPageBytes - used)))
  const isStep = and(inArray(history.executionId, ids), eq(history.type, 'step'))
  const place = sql`case ${history.executionId} ${sql.join(
    ids.map((id, index) => sql`when ${id} then ${sql.raw(String(index))}`),
    sql` `,
  )} end`
  const bytes = bytesOf(dialect, [history.output, history.error])
  const sized = sql`select ${history.executionId} as id, ${history.seq} as seq, ${place} as place, ${bytes} as bytes from ${history} where ${isStep}`
  // What is summed up to is all of an execution: they stand or fall together.
  const summed = sql`select id, seq, place, case when sum(bytes) over (order by place) > ${room} then 1 else 0 end as is_too_much from (${sized}) sized`
  return buildQuery(
    builder
      .select({
        ...entryFields(dialect),
        executionId: executions.id,
        isTooMuch: sql<number>`page.is_too_much`.mapWith(Number),
      })
      .from(executions)
      .innerJoin(sql`(${summed}) page`, sql`page.id = ${executions.id}`)
      .leftJoin(
        history,
        and(eq(history.executionId, executions.id), sql`${history.seq} = page.seq and page.is_too_much = 0`),
      )
      .orderBy(sql`page.place`, sql`page.seq`),
  )
}

const encoder = new TextEncoder()

function textBytes(document: string | null): number {
  return document === null ? 0 : encoder.encode(document).length
}
