import { and, eq } from 'drizzle-orm'
import type { UserCaller } from '../access/access.ts'
import { defineQuery } from '../sql/statement.ts'
import type { Store } from './store.ts'
import { takeKey, withKey, type Idempotent, type Kept } from './idempotency.ts'

/**
 * Keeps an answer under its key by itself, where the request did nothing.
 * @returns What another request with the key was answered, where that came first.
 */
export async function keepRefusal(store: Store, caller: UserCaller, idempotent: Idempotent): Promise<Kept | undefined> {
  const { key, fingerprint, at } = idempotent
  return withKey(store, caller, idempotent, async () => {
    await store.write({
      writes: [takeKey(store.dialect, caller, idempotent)],
      applied: keptQuery(store.dialect, { userId: caller.userId, key, fingerprint, at }),
    })
    return undefined
  })
}

const keptQuery = defineQuery<{ userId: string; key: string; fingerprint: string; at: Date }>()((dialect, bind) => {
  const { idempotencyKeys } = dialect.tables
  return dialect.builder
    .select({ key: idempotencyKeys.idempotencyKey })
    .from(idempotencyKeys)
    .where(
      and(
        eq(idempotencyKeys.userId, bind('userId', idempotencyKeys.userId)),
        eq(idempotencyKeys.idempotencyKey, bind('key', idempotencyKeys.idempotencyKey)),
        eq(idempotencyKeys.fingerprint, bind('fingerprint', idempotencyKeys.fingerprint)),
        eq(idempotencyKeys.createdAt, bind('at', idempotencyKeys.createdAt)),
      ),
    )
})
