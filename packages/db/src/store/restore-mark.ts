import { and, eq, isNotNull } from 'drizzle-orm'
import { restoreMark } from '../schema/schema.ts'
import { buildQuery } from '../sql/building.ts'
import type { Store } from './store.ts'
import { restoreError } from '../access/access.ts'

/** Throws where a restore is under way: after a write without a caller whose gate was closed. */
export async function refuseWhileRestoring(store: Store): Promise<void> {
  const { builder, tables } = store.dialect
  const { marks } = tables
  const restoring = builder
    .select({ name: marks.name })
    .from(marks)
    .where(and(eq(marks.name, restoreMark), isNotNull(marks.value)))
  if ((await store.read(buildQuery(restoring))).length > 0) throw restoreError()
}
