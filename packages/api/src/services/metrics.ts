import { readServiceState, type ServiceState } from '@millrace/db/repositories/service-state'
import type { PoolStatus } from '@millrace/db/pool-status'
import { faultOf } from '../faults.ts'
import { gauge, type Family } from '../metrics/families.ts'
import { version } from '../version.ts'
import type { Context } from './context.ts'

/** What the isolate counted, and what database and gateway know. A database at fault is told as that, and no error. */
export async function collectMetrics(context: Context): Promise<readonly Family[]> {
  const at = context.clock()
  const [state, pool] = await Promise.all([stateOrFault(context, at), context.poolStatus()])
  return [
    gauge('millrace_info', 'The version that runs.', [
      { labels: { version, dialect: context.store.dialect.name }, value: 1 },
    ]),
    ...context.metrics.families(),
    gauge('millrace_database_up', 'Whether the database answered this scrape.', state === undefined ? 0 : 1),
    ...(state === undefined ? [] : stateFamilies(state, at)),
    ...(pool === undefined ? [] : poolFamilies(pool)),
  ]
}

async function stateOrFault({ store, log, requestId }: Context, at: Date): Promise<ServiceState | undefined> {
  try {
    return await readServiceState(store, at)
  } catch (thrown) {
    const { cause, cure } = faultOf(thrown)
    log({ level: 'warn', event: 'scrape_incomplete', requestId, cause, cure })
    return undefined
  }
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
    ...(lastBackup === undefined ? [] : backupFamilies(lastBackup, at)),
    ...(lastVerifiedBackupAt === undefined
      ? []
      : [
          gauge(
            'millrace_last_verified_backup_age_seconds',
            'How long ago the newest backup was taken that was read back and found right; absent when there is none.',
            secondsBetween(lastVerifiedBackupAt, at),
          ),
        ]),
  ]
}

function backupFamilies({ createdAt, result }: NonNullable<ServiceState['lastBackup']>, at: Date): readonly Family[] {
  return [
    gauge(
      'millrace_last_backup_age_seconds',
      'How long ago the newest backup was taken; absent when there is none.',
      secondsBetween(createdAt, at),
    ),
    gauge('millrace_last_backup_ok', 'Whether the newest backup came off.', result === 'ok' ? 1 : 0),
  ]
}

function poolFamilies({ size, checkedOut, overflow, waiting }: PoolStatus): readonly Family[] {
  return [
    gauge('millrace_gateway_pool_size', "Connections that the gateway's pool keeps.", size),
    gauge('millrace_gateway_pool_checked_out', 'Connections of the gateway that are in use.', checkedOut),
    gauge('millrace_gateway_pool_overflow', "Connections of the gateway beyond its pool's size.", overflow),
    gauge('millrace_gateway_pool_waiting', 'Requests that wait for a connection of the gateway.', waiting),
  ]
}

function secondsBetween(since: Date, at: Date): number {
  return Math.max(0, (at.getTime() - since.getTime()) / 1000)
}
