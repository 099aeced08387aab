import { isNotNull } from 'drizzle-orm'
import { defineQuery } from '../sql/building.ts'
import type { Store } from './store.ts'

export const appliedMigrations = defineQuery<object>()(({ builder, tables: { migrations } }) =>
  builder.select({ name: migrations.name }).from(migrations).where(isNotNull(migrations.appliedAt)),
)

/** Names of the migrations that are applied to the end. */
export async function appliedMigrationNames(store: Store): Promise<readonly string[]> {
  const rows = await store.read(appliedMigrations(store.dialect, {}))
  return rows.map(({ name }) => name)
}
