import { and, eq, inArray, isNull, lte, sql, type SQL } from 'drizzle-orm'
import { all, any } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { statusesBefore } from '../../schema/execution-transitions.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'

/** One way of being due. */
export interface DueKind {
  readonly status: ExecutionStatus
  readonly condition: SQL
  /** Since when: the moment that claims go by. */
  readonly since: SQL
  /** The order that an index has; among those due at the same millisecond a claim then goes by id. */
  readonly order: SQL
}

/** The ways of being due at a moment, each one range of an index: first, to wait since its creation. */
export function dueKinds(dialect: Dialect, at: Date | SQL): readonly [DueKind, ...DueKind[]] {
  const { executions } = dialect.tables
  const { status, dueAt, leaseUntil, createdAt, id } = executions
  const byCreation = dialect.reach.orderAfterNull(dueAt, sql`${createdAt}, ${id}`)
  const byDue = sql`${dueAt}, ${createdAt}, ${id}`
  const sinceCreation = sql`coalesce(${dueAt}, ${createdAt})`
  const sinceLease = sql`coalesce(${dueAt}, ${leaseUntil})`
  return [
    {
      status: 'pending',
      condition: all(eq(status, 'pending'), isNull(dueAt)),
      since: sql`${createdAt}`,
      order: byCreation,
    },
    { status: 'pending', condition: all(eq(status, 'pending'), lte(dueAt, at)), since: sql`${dueAt}`, order: byDue },
    { status: 'paused', condition: all(eq(status, 'paused'), lte(dueAt, at)), since: sql`${dueAt}`, order: byDue },
    {
      status: 'running',
      condition: all(eq(status, 'running'), lte(leaseUntil, at)),
      since: sinceLease,
      order: sql`${sinceLease}, ${id}`,
    },
    // After a restore: archives hold no leases. By the index's order, which is nearly that of their creation: in the
    // order of `since` each claim would have to sort all that are running, as planners see it.
    {
      status: 'running',
      condition: all(eq(status, 'running'), isNull(leaseUntil)),
      since: sinceCreation,
      order: dialect.reach.orderAfterNull(leaseUntil, sql`${id}`),
    },
  ]
}

/** A workflow's own that were running, with a lease that has run out or none, in one range of an index or read all. */
export function ownLostKind(dialect: Dialect, at: Date | SQL): DueKind {
  const { id, status, dueAt, leaseUntil, createdAt } = dialect.tables.executions
  const since = sql`coalesce(${dueAt}, ${leaseUntil}, ${createdAt})`
  return {
    status: 'running',
    condition: all(eq(status, 'running'), any(lte(leaseUntil, at), isNull(leaseUntil))),
    since,
    order: sql`${since}, ${id}`,
  }
}

/** Pending ones, delayed or not, for where all of a status are read and sorted in any case. */
export function anyPendingKind(dialect: Dialect, at: Date | SQL): DueKind {
  const { id, status, dueAt, createdAt } = dialect.tables.executions
  const since = sql`coalesce(${dueAt}, ${createdAt})`
  return {
    status: 'pending',
    condition: all(eq(status, 'pending'), any(isNull(dueAt), lte(dueAt, at))),
    since,
    order: sql`${since}, ${id}`,
  }
}

/** Whether an execution is due: what a lock waited for may have changed since it was chosen. */
export function isDue(dialect: Dialect, at: Date | SQL): SQL {
  const { executions } = dialect.tables
  const { status, dueAt, leaseUntil } = executions
  return all(
    inArray(status, statusesBefore('claim')),
    any(
      all(eq(status, 'pending'), isNull(dueAt)),
      and(inArray(status, ['pending', 'paused']), lte(dueAt, at)),
      and(eq(status, 'running'), any(isNull(leaseUntil), lte(leaseUntil, at))),
    ),
  )
}

/** The `error` of what failed without a worker's word, as exact text. */
export const exhaustionErrors = {
  leaseExpired: '{"code":"lease_expired","message":"The worker\'s lease ran out, and all attempts are used up."}',
  attemptsUsedUp: '{"code":"attempts_used_up","message":"It came due again, and all attempts are used up."}',
} as const
