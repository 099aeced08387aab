/**
 * The migrations that this code needs, oldest first; a test compares them with the files of every dialect. One that changes
 * nothing on a dialect is an empty file there.
 */
export const knownMigrations = [
  '0001_initial',
  '0002_durable_executions',
  '0003_workflow_leases',
  '0004_references_to_users',
] as const

/** The number of the newest migration, as archives and `/readyz` name the schema. */
export const schemaNumber = Number(knownMigrations.at(-1)?.slice(0, 4))

/** Those that are not among the applied. */
export function pendingMigrations(applied: readonly string[]): readonly string[] {
  const names = new Set(applied)
  return knownMigrations.filter((name) => !names.has(name))
}
