import { DatabaseError } from '@millrace/db/sql/errors'
import { readServiceState, type ServiceState } from '@millrace/db/repositories/backups/service-state'
import type { PoolStatus } from '@millrace/db/sql/transport'
import { faultOf } from '../faults.ts'
import { gauge, type Family } from '../metrics/families.ts'
import { version } from '../version.ts'
import type { Context } from './context.ts'

/** What the isolate counted, and what database and gateway know. A database at fault is told as that, and no error. */
export async function collectMetrics(context: Context): Promise<readonly Family[]> {
  const at = context.clock()
  const [state, pool, counted] = await Promise.all([
    stateOrFault(context, at),
    context.poolStatus(),
    context.metrics.collect(),
  ])
  return [
    gauge('millrace_info', 'The version that runs.', [
      { labels: { version, dialect: context.store.dialect.name }, value: 1 },
    ]),
    ...counted,
    gauge('millrace_database_up', 'Whether the database answered this scrape.', state === undefined ? 0 : 1),
    ...(state === undefined ? [] : [pendingFamily(state)]),
    ...(state === undefined || 'pending' in state ? [] : stateFamilies(state, at)),
    ...(pool === undefined ? [] : poolFamilies(pool)),
  ]
}

interface Outdated {
  readonly pending: number
}

/** What the database knows, or how many migrations it lacks; undefined where it doesn't answer. */
async function stateOrFault(context: Context, at: Date): Promise<ServiceState | Outdated | undefined> {
  try {
    return await readServiceState(context.store, at)
  } catch (thrown) {
    const { refused, cause, fix } = faultOf(thrown)
    context.log({ level: 'warn', event: 'scrape_incomplete', requestId: context.origin.requestId, cause, cure: fix })
    return refused.refusal === 'database_schema_outdated' ? pendingOrNone(context) : undefined
  }
}

async function pendingOrNone({ pendingMigrations }: Context): Promise<Outdated | undefined> {
  try {
    return { pending: (await pendingMigrations()).length }
  } catch (thrown) {
    // It answered a moment ago; now it is as one that doesn't.
    if (thrown instanceof DatabaseError) return undefined
    throw thrown
  }
}

/** A database that told its state has every migration: without them the Store asks for nothing else. */
function pendingFamily(state: ServiceState | Outdated): Family {
  const pending = 'pending' in state ? state.pending : 0
  return gauge('millrace_migrations_pending', 'Migrations that the code knows and the database lacks.', pending)
}

function stateFamilies(
  { executions, oldestDueSince, lastBackup, lastVerifiedBackupAt }: ServiceState,
  at: Date,
): readonly Family[] {
  const byStatus = Object.entries(executions).map(([status, value]) => ({ labels: { status }, value }))
  return [
    gauge('millrace_executions', 'Executions there are, by status.', byStatus),
    gauge(
      'millrace_oldest_due_execution_age_seconds',
      'How long the execution is due that is due for longest; 0 when none is.',
      oldestDueSince === undefined ? 0 : secondsBetween(oldestDueSince, at),
    ),
    gauge(
      'millrace_last_backup_age_seconds',
      'Seconds since the newest backup was taken; 0 when there is none.',
      lastBackup === undefined ? 0 : secondsBetween(lastBackup.createdAt, at),
    ),
    gauge(
      'millrace_last_backup_ok',
      'Whether the newest backup succeeded; 0 when there is none.',
      lastBackup?.result === 'ok' ? 1 : 0,
    ),
    gauge(
      'millrace_last_verified_backup_age_seconds',
      'Seconds since the newest verified backup was taken; 0 when there is none.',
      lastVerifiedBackupAt === undefined ? 0 : secondsBetween(lastVerifiedBackupAt, at),
    ),
  ]
}

function poolFamilies({ size, checkedOut, overflow, waiting }: PoolStatus): readonly Family[] {
  return [
    gauge(
      'millrace_gateway_pool_size',
      "Connections that the pool keeps: the gateway's, or those of all processes of a server.",
      size,
    ),
    gauge('millrace_gateway_pool_checked_out', 'Connections of the pool that are in use.', checkedOut),
    gauge('millrace_gateway_pool_overflow', 'Connections of the pool beyond its size.', overflow),
    gauge('millrace_gateway_pool_waiting', 'Requests that wait for a connection of the pool.', waiting),
  ]
}

function secondsBetween(since: Date, at: Date): number {
  return Math.max(0, (at.getTime() - since.getTime()) / 1000)
}
