/** The production checklist, in its order. What each one means: docs/doctor.md. */
export const checkIds = [
  'url',
  'reachable',
  'auth',
  'database.exists',
  'tls',
  'charset',
  'collation',
  'schema.migrations',
  'schema.table',
  'schema.column',
  'schema.index',
  'schema.foreign_key',
  'json.support',
  'pool.size',
  'clock',
  'sqlite.production',
  'replica',
  'backup.configured',
  'backup.age',
  'backup.encrypted',
  'backup.drilled',
  'secret.auth_keys',
  'secret.settings_keys',
  'secret.metrics_token',
  'secret.reuse',
  'restore.unfinished',
  'rows.stale',
  'executions.kept',
  'registration.open',
  'jit',
] as const

export type CheckId = (typeof checkIds)[number]

/** What only production needs. */
const productionIds: ReadonlySet<CheckId> = new Set<CheckId>([
  'tls',
  'pool.size',
  'sqlite.production',
  'replica',
  'backup.configured',
  'backup.age',
  'backup.encrypted',
  'backup.drilled',
  'secret.auth_keys',
  'secret.settings_keys',
  'secret.metrics_token',
  'secret.reuse',
  'registration.open',
])

export function isForProductionAlone(id: CheckId): boolean {
  return productionIds.has(id)
}
