import { eq } from 'drizzle-orm'
import type { UserCaller } from '../../access/access.ts'
import { callerLocks } from '../../access/caller-locks.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { RowLock } from '../../sql/lock-order.ts'
import { defineRowLock, type LockStrength } from '../../sql/row-lock.ts'

const lockWith = {
  share: lockFor('share'),
  'no key update': lockFor('no key update'),
  update: lockFor('update'),
}

function lockFor(strength: LockStrength) {
  return defineRowLock<{ id: string }>(
    'workflows',
    strength,
  )(({ tables: { workflows } }, bind) => eq(workflows.id, bind('id', workflows.id)))
}

export function lockWorkflow(dialect: Dialect, id: string, strength: keyof typeof lockWith): RowLock {
  return lockWith[strength](dialect, { id })
}

/**
 * What decides about a workflow: the caller and the workflow's row, which stands for its shares as well, as whoever
 * changes these locks it too.
 */
export function workflowLocks(
  dialect: Dialect,
  caller: UserCaller,
  id: string,
  strength: keyof typeof lockWith,
): readonly RowLock[] {
  return [...callerLocks(dialect, caller), lockWorkflow(dialect, id, strength)]
}
