import { and, eq, isNotNull } from 'drizzle-orm'
import type { Dialect } from '../../sql/dialect.ts'
import type { UserCaller } from '../../access/access.ts'
import { buildStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'

/** A workflow that came by transfer is its owner's in earnest from the first act on. */
export function takeOver(
  { builder, tables: { workflows } }: Dialect,
  { userId }: UserCaller,
  workflowId: string,
): Statement {
  return buildStatement(
    builder
      .update(workflows)
      .set({ transferredAt: null })
      .where(and(eq(workflows.id, workflowId), eq(workflows.ownerId, userId), isNotNull(workflows.transferredAt))),
  )
}
