import { and, eq } from 'drizzle-orm'
import type { RowLock } from '../sql/lock-order.ts'
import { defineRowLock, type LockStrength } from '../sql/row-lock.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { UserCaller } from './access.ts'

const userLocks = {
  share: lockUserFor('share'),
  'no key update': lockUserFor('no key update'),
  update: lockUserFor('update'),
}

function lockUserFor(strength: LockStrength) {
  return defineRowLock<{ userId: string }>(
    'users',
    strength,
  )(({ tables: { users } }, bind) => eq(users.id, bind('userId', users.id)))
}

/** Only deletion ends a key: that it was used is written meanwhile. */
const lockKey = defineRowLock<{ userId: string; keySha256: string }>(
  'apiKeys',
  'key share',
)(({ tables: { apiKeys } }, bind) => {
  const isKey = eq(apiKeys.keySha256, bind('keySha256', apiKeys.keySha256))
  return and(isKey, eq(apiKeys.userId, bind('userId', apiKeys.userId))) ?? isKey
})

/**
 * What `mayAct` and `mayAdminister` read of the caller: the user's row, which stands for its sessions too, and the key
 * with which it came.
 * @param strength How the caller's own row is locked, where the write changes or deletes it.
 */
export function callerLocks(
  dialect: Dialect,
  caller: UserCaller,
  strength: keyof typeof userLocks = 'share',
): readonly RowLock[] {
  return [userLocks[strength](dialect, { userId: caller.userId }), ...keyLocks(dialect, caller)]
}

/** The key alone, for a write that locks the caller's row among others. */
export function keyLocks(dialect: Dialect, { userId, keySha256 }: UserCaller): readonly RowLock[] {
  return keySha256 === undefined ? [] : [lockKey(dialect, { userId, keySha256 })]
}
