import { and, desc, eq } from 'drizzle-orm'
import { isAnchor, restoreError } from '../../access/access.ts'
import { buildQuery, defineStatement } from '../../sql/building.ts'
import { rowLock } from '../../sql/row-lock.ts'
import { isNotRestoring } from '../../access/conditions.ts'
import { refuseWhileRestoring } from '../../store/restore-mark.ts'
import type { Store } from '../../store/store.ts'
import { eventQuery, recordEvent } from '../audit/event.ts'
import type { ApiKeyView } from './api-keys.ts'

/* What an operator does with API keys, without a caller: the command line stands outside of permissions. */

/** A key with its user's name: never the key itself. */
export interface OwnedApiKey extends ApiKeyView {
  readonly userId: string
  readonly username: string
}

/** All keys, or those of one user, newest first. */
export async function listAllApiKeys(
  store: Store,
  { userId, id }: { readonly userId?: string | undefined; readonly id?: string | undefined } = {},
): Promise<readonly OwnedApiKey[]> {
  const { builder, tables } = store.dialect
  const { apiKeys, users, marks } = tables
  const select = builder
    .select({
      restore: marks.value,
      id: apiKeys.id,
      name: apiKeys.name,
      scopes: apiKeys.scopes,
      prefix: apiKeys.prefix,
      expiresAt: apiKeys.expiresAt,
      createdAt: apiKeys.createdAt,
      lastUsedAt: apiKeys.lastUsedAt,
      userId: apiKeys.userId,
      username: users.username,
    })
    .from(apiKeys)
    .innerJoin(users, eq(users.id, apiKeys.userId))
    .innerJoin(marks, isAnchor(store.dialect))
    .where(
      and(
        userId === undefined ? undefined : eq(apiKeys.userId, userId),
        id === undefined ? undefined : eq(apiKeys.id, id),
      ),
    )
    .orderBy(desc(apiKeys.createdAt), desc(apiKeys.id))
  const rows = await store.read(buildQuery(select))
  return rows.map(({ restore, ...key }) => {
    if (restore !== null) throw restoreError()
    return key
  })
}

const removeStatement = defineStatement<{ id: string }>()((dialect, bind) => {
  const { apiKeys } = dialect.tables
  return dialect.builder.delete(apiKeys).where(and(eq(apiKeys.id, bind('id', apiKeys.id)), isNotRestoring(dialect)))
})

/** Which key a command deletes, and the event that tells of it. */
export interface CommandedDeletion extends Pick<OwnedApiKey, 'id' | 'userId'> {
  readonly eventId: string
  readonly at: Date
}

/**
 * Deletes a key, whoever has it: it is refused from the next request on. Deleting it again changes nothing.
 * @throws DatabaseError `restore_in_progress`
 */
export async function removeApiKey(store: Store, { id, userId, eventId, at }: CommandedDeletion): Promise<void> {
  const { dialect } = store
  const event = recordEvent(dialect, {
    ...{ id: eventId, at, type: 'key.deleted', ownerId: userId },
    actor: { kind: 'command', userId: null, id: 'api-key' },
    subject: { type: 'key', id },
    origin: { requestId: null, network: null },
  })
  const { isOpen } = await store.apply({
    locks: [rowLock(dialect, 'users', 'no key update', eq(dialect.tables.users.id, userId))],
    gate: removeStatement(dialect, { id }),
    effects: [event],
    proof: eventQuery(dialect, eventId),
  })
  if (!isOpen) await refuseWhileRestoring(store)
}
