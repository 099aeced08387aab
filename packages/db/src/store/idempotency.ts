import { and, eq, type SQL } from 'drizzle-orm'
import { type Outcome, type UserCaller } from '../access/access.ts'
import type { Dialect } from '../sql/dialect.ts'
import { buildStatement, defineQuery, defineStatement } from '../sql/building.ts'
import type { Statement } from '../sql/statement.ts'
import { isKeyTaken } from './key-taken.ts'
import type { Store } from './store.ts'

/** A response as it is stored under a key: it is sent again when the request is repeated. */
export interface StoredResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What of a stored response is known before its body is. */
export type ResponseHead = Omit<StoredResponse, 'body'>

/** A request that carries an Idempotency-Key, with the answer that it gets when it succeeds. */
export interface Idempotent {
  readonly key: string
  /** SHA-256, in hex, of method, path and body bytes. */
  readonly fingerprint: string
  readonly answer: StoredResponse
  readonly at: Date
}

/** The same where the batch alone knows the body. */
export type IdempotentHead = Omit<Idempotent, 'answer'> & { readonly head: ResponseHead }

/** What is stored under a key already: the response to the same request, or another request's. */
export type StoredOutcome =
  | { readonly ok: false; readonly refusal: 'replay'; readonly answer: StoredResponse }
  | { readonly ok: false; readonly refusal: 'idempotency_key_reused' }

const storedForMilliseconds = 24 * 60 * 60 * 1000

/** A response to store, whose body may be what only the batch knows. */
export interface ResponseToStore extends Omit<Idempotent, 'answer'> {
  readonly answer: ResponseHead & { readonly body: string | SQL }
}

/**
 * The effect that takes the key with the answer, behind the gate: so a key exists only together with what it did. Of two
 * at once the second breaks on it, and all that it did is undone: see {@link underKey}. As the first of the effects it
 * saves the round trips of the others where a request is repeated.
 */
export function storeResponse(
  { builder, tables: { idempotencyKeys } }: Dialect,
  { userId }: UserCaller,
  { key, fingerprint, answer, at }: ResponseToStore,
): Statement {
  const { status, headers, body } = answer
  const row = {
    userId,
    idempotencyKey: key,
    fingerprint,
    status,
    headers: JSON.stringify(headers),
    body,
    createdAt: at,
  }
  return buildStatement(builder.insert(idempotencyKeys).values(row))
}

/** Refusals that rank before what a key says, or are that. */
const ranksFirst: ReadonlySet<string> = new Set(['unauthenticated', 'account_disabled', 'rate_limited', 'replay'])

/**
 * Runs a guarded write that may carry a key ({@link storeResponse}). Where another request has the key, also where that one
 * has closed the gate, its answer is the outcome.
 */
export async function underKey<Result extends Outcome<unknown, string>>(
  store: Store,
  caller: UserCaller,
  idempotent: Omit<Idempotent, 'answer'> | undefined,
  write: () => Promise<Result>,
): Promise<Result | StoredOutcome> {
  if (idempotent === undefined) return write()
  for (;;) {
    const outcome = await unlessTaken(write)
    if (outcome !== 'taken' && (outcome.ok || ranksFirst.has(outcome.refusal))) return outcome
    const stored = await findStored(store, caller.userId, idempotent)
    if (stored !== undefined) return stored
    if (outcome !== 'taken') return outcome
    // The key was older than 24 hours and has been released: now it is free.
  }
}

async function unlessTaken<Result>(write: () => Promise<Result>): Promise<Result | 'taken'> {
  try {
    return await write()
  } catch (thrown) {
    if (isKeyTaken(thrown)) return 'taken'
    throw thrown
  }
}

const storedQuery = defineQuery<{ userId: string; key: string }>()(({ builder, tables: { idempotencyKeys } }, bind) =>
  builder
    .select({
      fingerprint: idempotencyKeys.fingerprint,
      status: idempotencyKeys.status,
      headers: idempotencyKeys.headers,
      body: idempotencyKeys.body,
      createdAt: idempotencyKeys.createdAt,
    })
    .from(idempotencyKeys)
    .where(
      and(
        eq(idempotencyKeys.userId, bind('userId', idempotencyKeys.userId)),
        eq(idempotencyKeys.idempotencyKey, bind('key', idempotencyKeys.idempotencyKey)),
      ),
    ),
)

const releaseStatement = defineStatement<{ userId: string; key: string; createdAt: Date }>()(
  ({ builder, tables: { idempotencyKeys } }, bind) =>
    builder
      .delete(idempotencyKeys)
      .where(
        and(
          eq(idempotencyKeys.userId, bind('userId', idempotencyKeys.userId)),
          eq(idempotencyKeys.idempotencyKey, bind('key', idempotencyKeys.idempotencyKey)),
          eq(idempotencyKeys.createdAt, bind('createdAt', idempotencyKeys.createdAt)),
        ),
      ),
)

/** What the user's key stands for; undefined when it is free. A key older than 24 hours is released first. */
export async function findStored(
  store: Store,
  userId: string,
  request: { readonly key: string; readonly fingerprint: string; readonly at: Date },
): Promise<StoredOutcome | undefined> {
  const [row] = await store.read(storedQuery(store.dialect, { userId, key: request.key }))
  if (row === undefined) return undefined
  if (row.createdAt.getTime() <= request.at.getTime() - storedForMilliseconds) {
    const release = releaseStatement(store.dialect, { userId, key: request.key, createdAt: row.createdAt })
    await store.tidy([release])
    return undefined
  }
  if (row.fingerprint !== request.fingerprint) return { ok: false, refusal: 'idempotency_key_reused' }
  return {
    ok: false,
    refusal: 'replay',
    answer: { status: row.status, headers: parseHeaders(row.headers), body: row.body },
  }
}

function parseHeaders(text: string): Readonly<Record<string, string>> {
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null) return {}
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]))
}
