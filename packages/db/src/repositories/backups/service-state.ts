import { count, desc, isNotNull, lte, not, sql, type SQL } from 'drizzle-orm'
import { isAnchor } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { ExecutionStatus } from '../../schema/schema.ts'
import { buildQuery, defineQuery } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'
import { isResult, unfinished } from './requests.ts'
import { dueKinds } from '../executions/due.ts'

/** What the whole service has before it, for those who run it. */
export interface ServiceState {
  readonly executions: Readonly<Record<ExecutionStatus, number>>
  /** Since when the execution is due that is due for longest; undefined when none is. */
  readonly oldestDueSince: Date | undefined
  /** The newest backup that was ended, whatever came of it. */
  readonly lastBackup: { readonly createdAt: Date; readonly result: string } | undefined
  /** Of the newest backup that was read back and found right. */
  readonly lastVerifiedBackupAt: Date | undefined
}

/**
 * In one round trip: one pass over an index of all executions, and a row of each index by which some are due. A restore
 * under way does not keep it from being read.
 */
export async function readServiceState(store: Store, at: Date): Promise<ServiceState> {
  const rows = await store.read(stateQuery(store.dialect, at))
  const countOf = (status: ExecutionStatus) => rows.find((row) => row.status === status)?.count ?? 0
  const { oldestDueSince = null, backupAt = null, backupResult = null, verifiedBackupAt = null } = rows[0] ?? {}
  return {
    executions: {
      pending: countOf('pending'),
      running: countOf('running'),
      paused: countOf('paused'),
      completed: countOf('completed'),
      failed: countOf('failed'),
      cancelled: countOf('cancelled'),
    },
    oldestDueSince: oldestDueSince ?? undefined,
    lastBackup: backupAt === null || backupResult === null ? undefined : { createdAt: backupAt, result: backupResult },
    lastVerifiedBackupAt: verifiedBackupAt ?? undefined,
  }
}

const dueSchedulesQuery = defineQuery<{ at: Date }>()(({ builder, tables: { schedules } }, bind) =>
  builder
    .select({ count: count().as('count') })
    .from(schedules)
    .where(lte(schedules.nextAt, bind('at', schedules.nextAt))),
)

/** Schedules whose next time has come: none for long where a scheduler runs. */
export async function countDueSchedules(store: Store, at: Date): Promise<number> {
  const [row] = await store.read(dueSchedulesQuery(store.dialect, { at }))
  return row?.count ?? 0
}

/** One row per status, each with all the rest. */
function stateQuery(dialect: Dialect, at: Date) {
  const { builder, tables } = dialect
  const { marks, executions, backups } = tables
  const counts = builder
    .select({ status: executions.status, count: count().as('count') })
    .from(executions)
    .groupBy(executions.status)
    .as('counts')
  const oldest = builder
    .select({ since: sql`min(since)`.mapWith(executions.createdAt).as('since') })
    .from(sql`(${firstsDue(dialect, at)}) as firsts`)
    .as('oldest')
  const backup = builder
    .select({ createdAt: backups.createdAt, result: backups.result })
    .from(backups)
    .where(not(isResult(dialect, unfinished)))
    .orderBy(desc(backups.createdAt), desc(backups.name))
    .limit(1)
    .as('backup')
  const verified = builder
    .select({ createdAt: backups.createdAt })
    .from(backups)
    .where(isNotNull(backups.verifiedAt))
    .orderBy(desc(backups.createdAt), desc(backups.name))
    .limit(1)
    .as('verified')
  const select = builder
    .select({
      status: counts.status,
      count: counts.count,
      oldestDueSince: oldest.since,
      backupAt: backup.createdAt,
      backupResult: backup.result,
      verifiedBackupAt: sql`${verified.createdAt}`.mapWith(backups.createdAt).as('verified_backup_at'),
    })
    .from(marks)
    .leftJoin(counts, sql`1 = 1`)
    .leftJoin(oldest, sql`1 = 1`)
    .leftJoin(backup, sql`1 = 1`)
    .leftJoin(verified, sql`1 = 1`)
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
