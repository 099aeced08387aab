import { sql, type SQL } from 'drizzle-orm'
import { all } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { ownLostKind, type DueKind } from './due.ts'

/**
 * What lost its lease, where no index has a workflow's executions by their leases: the first of everyone's are looked
 * through, by the index that everyone's have, and all that a workflow has running only where these are too many.
 */
export interface LostLeases {
  /** A common table expression, with the columns of executions that candidates are told by. */
  readonly name: SQL
  readonly select: SQL
  /** Whether there may be others. */
  readonly isMore: SQL
  /** All that the first of everyone's do not hold; `since` is that of the first as well. */
  readonly others: DueKind
}

/** Undefined where the dialect reads a workflow's own at once. */
export function lostLeases(dialect: Dialect, kinds: readonly DueKind[], at: SQL): LostLeases | undefined {
  const { mostLost } = dialect.claim
  if (mostLost === undefined) return undefined
  const { executions } = dialect.tables
  const own = ownLostKind(dialect, at)
  const { id, workflowId, dueAt, leaseUntil, createdAt, attempts, maxAttempts } = executions
  const columns = sql.join([id, workflowId, dueAt, leaseUntil, createdAt, attempts, maxAttempts], sql`, `)
  const name = sql.raw('lost')
  // One more than may be looked through: it says that there are more.
  const limit = sql.raw(String(mostLost + 1))
  const firsts = kinds
    .filter(({ status }) => status === 'running')
    .map(
      ({ condition }) =>
        sql`select * from (select ${columns} from ${executions} where ${condition} order by ${leaseUntil} limit ${limit}) firsts`,
    )
  const isNone = sql`${id} not in (select id from ${name})`
  return {
    name,
    select: sql.join(firsts, sql` union all `),
    isMore: sql`exists (select 1 from ${name} limit 1 offset ${sql.raw(String(mostLost))})`,
    others: { ...own, condition: all(own.condition, isNone) },
  }
}
