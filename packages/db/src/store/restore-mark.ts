import { and, eq, exists, isNotNull, not, sql, type SQL } from 'drizzle-orm'
import type { Dialect } from '../sql/dialect.ts'
import { databaseError, type DatabaseError } from '../sql/errors.ts'
import { restoreMark } from '../schema/schema.ts'

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
