import { desc, sql, type SQL } from 'drizzle-orm'
import { isAnchor } from '../access.ts'
import type { Dialect } from '../dialect.ts'
import type { ExecutionStatus } from '../schema.ts'
import { buildQuery } from '../statement.ts'
import type { Store } from '../store.ts'
import { dueKinds } from './executions-due.ts'

/** What the whole service has before it, for those who run it. */
export interface ServiceState {
  readonly executions: Readonly<Record<ExecutionStatus, number>>
  /** Since when the execution is due that is due for longest; undefined when none is. */
  readonly oldestDueSince: Date | undefined
  /** The newest backup, whatever came of it. */
  readonly lastBackup: { readonly createdAt: Date; readonly result: string } | undefined
}

/** In one round trip, each part by an index. A restore under way does not keep it from being read. */
export async function readServiceState(store: Store, at: Date): Promise<ServiceState> {
  const [row] = await store.read(stateQuery(store.dialect, at))
  if (row === undefined) throw new TypeError('the table marks has lost its row')
  const { oldestDueSince, backupAt, backupResult, ...executions } = row
  return {
    executions,
    oldestDueSince: dateOf(oldestDueSince),
    lastBackup: backupAt === null || backupResult === null ? undefined : { createdAt: backupAt, result: backupResult },
  }
}

/** The least of nothing is null, which the builder's type of an aggregate doesn't say. */
function dateOf(aggregate: Date | null): Date | undefined {
  return aggregate ?? undefined
}

function stateQuery(dialect: Dialect, at: Date) {
  const { builder, tables } = dialect
  const { marks, executions, backups } = tables
  const count = (status: ExecutionStatus) =>
    sql`(select count(*) from ${executions} where ${executions.status} = ${status})`.mapWith(Number)
  const oldest = builder
    .select({ since: sql`min(since)`.mapWith(executions.createdAt).as('since') })
    .from(sql`(${firstsDue(dialect, at)}) as firsts`)
    .as('oldest')
  const backup = builder
    .select({ createdAt: backups.createdAt, result: backups.result })
    .from(backups)
    .orderBy(desc(backups.createdAt), desc(backups.name))
    .limit(1)
    .as('backup')
  const select = builder
    .select({
      pending: count('pending'),
      running: count('running'),
      paused: count('paused'),
      completed: count('completed'),
      failed: count('failed'),
      cancelled: count('cancelled'),
      oldestDueSince: oldest.since,
      backupAt: backup.createdAt,
      backupResult: backup.result,
    })
    .from(marks)
    .leftJoin(oldest, sql`1 = 1`)
    .leftJoin(backup, sql`1 = 1`)
    .where(isAnchor(dialect))
  return buildQuery(select)
}

/** Each way of being due is one range of an index, of which the first row is taken. */
function firstsDue(dialect: Dialect, at: Date): SQL {
  const { executions } = dialect.tables
  const firsts = dueKinds(dialect, at).map(
    ({ condition, since, order }) =>
      sql`select since from (select ${since} as since from ${executions} where ${condition} order by ${order} limit 1) as first`,
  )
  return sql.join(firsts, sql` union all `)
}
