import { and, eq, inArray, isNull, lt, or, sql } from 'drizzle-orm'
import { callerLocks } from '../../access/caller-locks.ts'
import {
  all,
  done,
  isAnchor,
  isThisCaller,
  refused,
  standingFields,
  standingOf,
  type Outcome,
  type Refusal,
  type UserCaller,
} from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { ApiKeyRow } from '../../schema/rows.ts'
import { buildQuery, buildStatement, defineStatement } from '../../sql/building.ts'
import type { Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { storeResponse, underKey, type Idempotent, type StoredOutcome } from '../../store/idempotency.ts'
import { insertWhere } from '../../store/insert-where.ts'
import { callerEvent } from '../audit/caller-event.ts'
import { eventQuery, recordEvent } from '../audit/event.ts'
import { checkStanding } from './standing.ts'
import { isNotRestoring, mayAdminister, mayAct } from '../../access/conditions.ts'
import { fromCaller } from '../../access/reads.ts'
import { pick } from '../../sql/pick.ts'
import { pageOf } from '../../access/pages.ts'
import { isBehind, type Keyset } from '../../sql/keyset.ts'
import { isJoined } from '../../sql/joined.ts'

/** An API key as its user sees it: never the key itself. */
export type ApiKeyView = Pick<ApiKeyRow, (typeof keyMembers)[number]>

const keyMembers = ['id', 'name', 'scopes', 'prefix', 'expiresAt', 'createdAt', 'lastUsedAt'] as const

export interface NewApiKey extends Omit<ApiKeyView, 'lastUsedAt'> {
  /** Hex. Only this is stored of the key. */
  readonly keySha256: string
}

/** Makes a key of the caller's, whose event has its id. `forbidden` when it may do what only the role allows, and the caller has no such role. */
export async function createApiKey(
  store: Store,
  caller: UserCaller,
  { mayAdminister: needsRole, ...key }: NewApiKey & { readonly mayAdminister: boolean },
  idempotent?: Idempotent,
): Promise<Outcome<void> | StoredOutcome> {
  const { dialect } = store
  const { apiKeys } = dialect.tables
  const { userId } = caller
  const allowed = needsRole ? mayAdminister(dialect, caller) : mayAct(dialect, caller)
  const event = callerEvent(dialect, caller, {
    ...{ id: key.id, at: key.createdAt, type: 'key.created', ownerId: userId },
    subject: { type: 'key', id: key.id },
    data: { name: key.name, scopes: key.scopes.split(','), expiresAt: key.expiresAt?.toISOString() ?? null },
  })
  return underKey(store, caller, idempotent, async () => {
    const { isOpen } = await store.apply({
      locks: callerLocks(dialect, caller),
      gate: buildStatement(insertWhere(dialect, apiKeys, { ...key, userId, lastUsedAt: null }, allowed)),
      effects: [
        recordEvent(dialect, event),
        ...(idempotent === undefined ? [] : [storeResponse(dialect, caller, idempotent)]),
      ],
      proof: eventQuery(dialect, key.id),
    })
    if (isOpen) return done(undefined)
    const standing = await checkStanding(store, caller)
    return standing.ok ? refused('forbidden') : standing
  })
}

export interface ApiKeyListing {
  readonly limit: number
  readonly after?: Keyset | undefined
}

/** A page of the caller's keys, newest first, and one row more where there are more. */
export async function listApiKeys(
  store: Store,
  caller: UserCaller,
  listing: ApiKeyListing,
): Promise<Outcome<readonly ApiKeyView[]>> {
  const rows = await store.read(listQuery(store.dialect, caller, listing))
  const standing = standingOf(caller, rows[0])
  if (!standing.ok) return standing
  return done(rows.filter(isJoined<ApiKeyView>('id')).map((row) => pick(row, keyMembers)))
}

function listQuery(dialect: Dialect, caller: UserCaller, { limit, after }: ApiKeyListing) {
  const { apiKeys } = dialect.tables
  const { createdAt, id } = apiKeys
  const page = pageOf(dialect, {
    table: apiKeys,
    fields: pick(apiKeys, keyMembers),
    where: and(eq(apiKeys.userId, caller.userId), isBehind({ at: createdAt, id }, after)),
    newest: [createdAt, id],
    limit,
  })
  return buildQuery(fromCaller(dialect, isThisCaller(dialect, caller), page))
}

/** Which key is deleted, and the event that tells of it. */
export interface KeyDeletion {
  readonly id: string
  /** What a key's scopes may be, as they are stored; undefined for any. */
  readonly scopes: readonly string[] | undefined
  readonly eventId: string
  readonly at: Date
}

/** Deletes one of the caller's own keys; `scope_missing` where its scopes are none of those that the caller may delete. */
export async function deleteApiKey(
  store: Store,
  caller: UserCaller,
  { id, scopes, eventId, at }: KeyDeletion,
): Promise<Outcome<void, Refusal | 'scope_missing'>> {
  const { dialect } = store
  const { builder, tables } = dialect
  const { apiKeys } = tables
  const remove = builder
    .delete(apiKeys)
    .where(
      all(
        mayAct(dialect, caller),
        eq(apiKeys.id, id),
        eq(apiKeys.userId, caller.userId),
        scopes === undefined ? undefined : inArray(apiKeys.scopes, [...scopes]),
      ),
    )
  const { isOpen } = await store.apply({
    // The user's row stands for its keys: whoever acts by one holds it.
    locks: callerLocks(dialect, caller, 'no key update'),
    gate: buildStatement(remove),
    effects: [deletionEvent(dialect, caller, { id, eventId, at })],
    proof: eventQuery(dialect, eventId),
  })
  if (isOpen) return done(undefined)
  const check = await checkApiKey(store, caller, id, scopes)
  return check.ok ? refused('not_found') : check
}

/** A key that has deleted itself is no longer found by its digest. */
function deletionEvent(
  dialect: Dialect,
  caller: UserCaller,
  { id, eventId, at }: Omit<KeyDeletion, 'scopes'>,
): Statement {
  const event = callerEvent(dialect, caller, {
    ...{ id: eventId, at, type: 'key.deleted', ownerId: caller.userId },
    subject: { type: 'key', id },
  })
  const { actor } = event
  const actorId = actor.kind === 'key' ? sql`coalesce(${actor.id}, ${id})` : actor.id
  return recordEvent(dialect, { ...event, actor: { ...actor, id: actorId } })
}

/** Why the caller may not delete a key; undefined scopes are any. */
export async function checkApiKey(
  store: Store,
  caller: UserCaller,
  id: string,
  scopes: readonly string[] | undefined,
): Promise<Outcome<void, Refusal | 'scope_missing'>> {
  const { builder, tables } = store.dialect
  const { marks, users, apiKeys } = tables
  const query = buildQuery(
    builder
      .select({ ...standingFields(store.dialect), scopes: apiKeys.scopes })
      .from(marks)
      .leftJoin(users, isThisCaller(store.dialect, caller))
      .leftJoin(apiKeys, and(eq(apiKeys.id, id), eq(apiKeys.userId, users.id)))
      .where(isAnchor(store.dialect)),
  )
  const [row] = await store.read(query)
  const standing = standingOf(caller, row)
  if (!standing.ok) return standing
  if (row === undefined || row.scopes === null) return refused('not_found')
  return scopes === undefined || scopes.includes(row.scopes) ? done(undefined) : refused('scope_missing')
}

const touchStatement = defineStatement<{ keySha256: string; at: Date; before: Date }>()((dialect, bind) => {
  const { apiKeys } = dialect.tables
  return dialect.builder
    .update(apiKeys)
    .set({ lastUsedAt: bind('at', apiKeys.lastUsedAt) })
    .where(
      and(
        eq(apiKeys.keySha256, bind('keySha256', apiKeys.keySha256)),
        or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, bind('before', apiKeys.lastUsedAt))),
        // An archive has the time too. A request that is refused without the database can use a key during a restore.
        isNotRestoring(dialect),
      ),
    )
})

/** Notes that a key was used, unless that was noted since `before`, or others restore into the database. */
export async function touchApiKey(
  store: Store,
  use: { readonly keySha256: string; readonly at: Date; readonly before: Date },
): Promise<void> {
  await store.tidy([touchStatement(store.dialect, use)])
}
