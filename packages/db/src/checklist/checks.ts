/** The checklist, in its order, with where each check is needed. What each one means: docs/doctor.md. */
const checks = [
  ['url', 'everywhere'],
  ['reachable', 'everywhere'],
  ['auth', 'everywhere'],
  ['database.exists', 'everywhere'],
  ['tls', 'production'],
  ['charset', 'everywhere'],
  ['collation', 'everywhere'],
  ['schema.migrations', 'everywhere'],
  ['schema.table', 'everywhere'],
  ['schema.column', 'everywhere'],
  ['schema.index', 'everywhere'],
  ['schema.foreign_key', 'everywhere'],
  ['json.support', 'everywhere'],
  ['pool.size', 'production'],
  ['clock', 'everywhere'],
  ['sqlite.production', 'production'],
  ['replica', 'production'],
  ['backup.configured', 'production'],
  ['backup.age', 'production'],
  ['backup.encrypted', 'production'],
  ['backup.drilled', 'production'],
  ['secret.auth_keys', 'production'],
  ['secret.settings_keys', 'production'],
  ['secret.metrics_token', 'production'],
  ['secret.reuse', 'production'],
  ['restore.unfinished', 'everywhere'],
  ['rows.stale', 'everywhere'],
  ['executions.kept', 'everywhere'],
  ['registration.open', 'production'],
  ['jit', 'everywhere'],
] as const

export type CheckId = (typeof checks)[number][0]

export const checkIds: readonly CheckId[] = checks.map(([id]) => id)

export function isForProductionAlone(id: CheckId): boolean {
  return checks.some(([known, where]) => known === id && where === 'production')
}
