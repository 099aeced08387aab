import { and, eq, gte, inArray, ne, sql } from 'drizzle-orm'
import { all } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Query, Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { dueKinds, exhaustionErrors, isDue } from './due.ts'
import { entrySelect, insertEntries, lastSeqAfter } from './history.ts'
import { isNotRestoring } from '../../access/conditions.ts'

/** How many executions of each kind a run takes at most; the next run goes on. */
const mostOfAKind = 500

/** Names a run, so that it can be told whether its write happened. */
export interface Sweep {
  readonly at: Date
  readonly operation: string
}

/**
 * Fails what is due, or has lost its lease, with its attempts used up: as claims do with those that they meet.
 * @returns how many were found
 */
export async function sweepExecutions(store: Store, sweep: Sweep): Promise<number> {
  const { dialect } = store
  const found = await store.read(exhaustedQuery(dialect, sweep.at))
  const expired = found.filter(({ status }) => status === 'running').map(({ id }) => id)
  const others = found.filter(({ status }) => status !== 'running').map(({ id }) => id)
  await failAll(store, sweep, expired, 'leaseExpired')
  await failAll(store, sweep, others, 'attemptsUsedUp')
  return found.length
}

function exhaustedQuery(dialect: Dialect, at: Date): Query<{ readonly id: string; readonly status: ExecutionStatus }> {
  const { builder, tables } = dialect
  const { executions } = tables
  const parts = dueKinds(dialect, at).map(
    ({ condition }, position) =>
      sql`select * from (select ${executions.id} as id from ${executions} where ${and(condition, gte(executions.attempts, executions.maxAttempts))} limit ${sql.raw(String(mostOfAKind))}) ${sql.raw(`part_${position}`)}`,
  )
  return buildQuery(
    builder
      .select({ id: executions.id, status: executions.status })
      .from(executions)
      .where(sql`${executions.id} in (select id from (${sql.join(parts, sql` union all `)}) exhausted)`),
  )
}

async function failAll(
  store: Store,
  sweep: Sweep,
  ids: readonly string[],
  error: keyof typeof exhaustionErrors,
): Promise<void> {
  const [one] = ids
  if (one === undefined) return
  const { dialect } = store
  const { builder, tables } = dialect
  const { executions } = tables
  const isFailed = all(inArray(executions.id, [...ids]), eq(executions.lastOp, sweep.operation))
  const { at, operation } = sweep
  const { fence } = executions
  const source = sql`${executions} where ${isFailed}`
  await store.apply({
    locks: [],
    gate: failStatement(dialect, sweep, ids, error),
    effects: [
      buildStatement(
        insertEntries(dialect, [
          ...(error === 'leaseExpired' ? [entrySelect(dialect, { type: 'lease_expired', at, fence }, source, 1)] : []),
          entrySelect(dialect, { type: 'failed', at, fence }, source),
        ]),
      ),
    ],
    proof: buildQuery(
      builder
        .select({ id: executions.id })
        .from(executions)
        .where(and(inArray(executions.id, [...ids]), eq(executions.lastOp, operation)))
        .limit(1),
    ),
  })
}

function failStatement(
  dialect: Dialect,
  { at, operation }: Sweep,
  ids: readonly string[],
  error: keyof typeof exhaustionErrors,
): Statement {
  const { executions } = dialect.tables
  const update = dialect.builder
    .update(executions)
    .set({
      status: 'failed',
      error: sql`${exhaustionErrors[error]}`,
      leaseUntil: null,
      leaseOwner: null,
      completedAt: at,
      updatedAt: at,
      lastOp: operation,
      waitFor: null,
      lastSeq: lastSeqAfter(dialect, error === 'leaseExpired' ? 2 : 1),
    })
    .where(
      all(
        inArray(executions.id, [...ids]),
        error === 'leaseExpired' ? eq(executions.status, 'running') : ne(executions.status, 'running'),
        gte(executions.attempts, executions.maxAttempts),
        isDue(dialect, at),
        isNotRestoring(dialect),
      ),
    )
  return buildStatement(update)
}
