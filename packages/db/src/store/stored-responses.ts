import { and, eq } from 'drizzle-orm'
import { done, type UserCaller } from '../access/access.ts'
import {
  callerShape,
  callerTerms,
  callerValues,
  mayAct,
  type CallerShape,
  type CallerValues,
} from '../access/conditions.ts'
import type { Tables } from '../schema/schema.ts'
import { defineQuery, defineShapedStatement } from '../sql/building.ts'
import { underKey, type Idempotent, type StoredOutcome } from './idempotency.ts'
import { insertWhere, places } from './insert-where.ts'
import type { Store } from './store.ts'

/**
 * Stores a response under its key by itself, where the request did nothing; none for a caller who may not act any more.
 * @returns What another request with the key was answered, where that came first.
 */
export async function storeResponseAlone(
  store: Store,
  caller: UserCaller,
  idempotent: Idempotent,
): Promise<StoredOutcome | undefined> {
  const { dialect } = store
  const { key, fingerprint, answer, at } = idempotent
  const row: KeyRow = {
    userId: caller.userId,
    idempotencyKey: key,
    fingerprint,
    status: answer.status,
    headers: JSON.stringify(answer.headers),
    body: answer.body,
    createdAt: at,
  }
  const outcome = await underKey(store, caller, idempotent, async () => {
    await store.apply({
      locks: [],
      gate: insertKey(dialect, callerShape(caller), { ...row, ...callerValues(caller) }),
      proof: storedKeyQuery(dialect, { userId: caller.userId, key, fingerprint, at }),
    })
    return done(undefined)
  })
  return outcome.ok ? undefined : outcome
}

type KeyRow = Tables['idempotencyKeys']['$inferSelect']

const insertKey = defineShapedStatement<CallerShape, KeyRow & CallerValues>()((dialect, bind, shape) => {
  const { idempotencyKeys } = dialect.tables
  const allowed = mayAct(dialect, callerTerms(dialect, bind, shape))
  return insertWhere(dialect, idempotencyKeys, places(idempotencyKeys, bind), allowed)
})

const storedKeyQuery = defineQuery<{ userId: string; key: string; fingerprint: string; at: Date }>()((
  dialect,
  bind,
) => {
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
