import { and, eq, exists, isNotNull, not, sql, type SQL } from 'drizzle-orm'
import type { Dialect } from '../sql/dialect.ts'
import { databaseError, type DatabaseError } from '../sql/errors.ts'
import { restoreMark } from '../schema/schema.ts'
import { buildQuery } from '../sql/statement.ts'
import type { Store } from './store.ts'

/** The condition in a write without a caller that no restore is under way. */
export function isNotRestoring({ builder, tables: { marks } }: Dialect): SQL {
  const restore = builder
    .select({ one: sql`1` })
    .from(marks)
    .where(and(eq(marks.name, restoreMark), isNotNull(marks.value)))
  return not(exists(restore))
}

export function restoreError(): DatabaseError {
  return databaseError('restore_in_progress', 'a restore into this database is under way', { isNotApplied: true })
}

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
