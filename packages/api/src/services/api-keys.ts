import type { Outcome, Refusal } from '@millrace/db/access/access'
import * as apiKeys from '@millrace/db/repositories/accounts/api-keys'
import { mintApiKey } from '../auth/api-keys.ts'
import type { CursorScope } from '../cursor.ts'
import { newId } from '../ids.ts'
import { done, refuse, type Refused, type Result } from '../result.ts'
import { holdsAll, readScopes, subsetsOf, writeScopes, type HeldScopes, type Scope } from '../scopes.ts'
import type { Context, UserContext } from './context.ts'
import { type Idempotent, type OrReplay } from './idempotency.ts'
import { pageOf, readKeyset, startOf, type Page, type PageQuery } from './paging.ts'
import { checkAdministrator, checkCaller } from './standing.ts'

/** A key as its user sees it, without its text. */
export interface ApiKey {
  readonly id: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly prefix: string
  readonly expiresAt: Date | null
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
}

export interface NewApiKey {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: Date | null
}

export type MadeApiKey = ApiKey & { readonly text: string }

/** Makes a key of the caller's, with none but the scopes that the caller has itself. Its text is told this once. */
export async function createApiKey(
  context: UserContext,
  input: NewApiKey,
  key: Idempotent<ApiKey> | undefined,
): Promise<OrReplay<MadeApiKey>> {
  const { store, caller, clock } = context
  if (!holdsAll(context.scopes, input.scopes)) return (await checkCaller(context)) ?? missingScopes()
  const createdAt = clock()
  if (input.expiresAt !== null && input.expiresAt <= createdAt) return refusePast(context, input)
  const { name } = input
  const expiresAt = noLaterThan(context.expiresAt, input.expiresAt)
  const minted = mintApiKey({ userId: caller.userId, scopes: input.scopes, expiresAt })
  const written = writeScopes(input.scopes)
  const apiKey: ApiKey = {
    id: newId(createdAt),
    name,
    scopes: readScopes(written) ?? [],
    prefix: minted.prefix,
    expiresAt,
    createdAt,
    lastUsedAt: null,
  }
  const mayAdminister = input.scopes.includes('admin')
  const row = { ...apiKey, scopes: written, keySha256: minted.sha256, mayAdminister }
  const idempotent = key && { ...key, answer: key.answerFor(apiKey), at: createdAt }
  const outcome = await apiKeys.createApiKey(store, caller, row, idempotent)
  if (outcome.ok) return done({ ...apiKey, text: minted.text })
  return outcome
}

/** What an expiring key makes expires no later than it does itself. */
function noLaterThan(latest: Date | null, wanted: Date | null): Date | null {
  if (latest === null) return wanted
  return wanted === null || wanted > latest ? latest : wanted
}

function missingScopes(): Refused {
  return refuse('scope_missing', { detail: 'An API key makes and deletes only keys whose scopes it has itself.' })
}

/** `forbidden` takes precedence (docs/contract/api.md). */
async function refusePast(context: Context, { scopes }: NewApiKey): Promise<Refused> {
  const denied = scopes.includes('admin') ? await checkAdministrator(context) : await checkCaller(context)
  const errors = [{ pointer: '/expiresAt', message: 'must be in the future' }]
  return denied ?? refuse('validation_failed', { errors })
}

/** A page of the caller's keys, newest first. */
export async function listApiKeys(context: UserContext, { limit, cursor }: PageQuery): Promise<Result<Page<ApiKey>>> {
  const { store, caller } = context
  const cursors: CursorScope = { list: 'api-keys', filters: {}, userId: caller.userId }
  const start = await startOf(cursors, cursor, readKeyset, () => checkCaller(context))
  if (!start.ok) return start
  const outcome = await apiKeys.listApiKeys(store, caller, { limit, after: start.value })
  if (!outcome.ok) return outcome
  const keys = outcome.value.map((key) => ({ ...key, scopes: readScopes(key.scopes) ?? [] }))
  return done(pageOf(cursors, keys, limit, (key) => [key.createdAt.getTime(), key.id]))
}

/** Deletes one of the caller's keys; with a key, one whose scopes that has itself. */
export async function removeApiKey({ store, caller, scopes, clock }: UserContext, id: string): Promise<Result<void>> {
  const at = clock()
  const deletion = { id, scopes: deletableBy(scopes), eventId: newId(at), at }
  return deletionResult(await apiKeys.deleteApiKey(store, caller, deletion))
}

/** Why the caller may not delete a key; undefined when it may. */
export async function checkApiKey({ store, caller, scopes }: UserContext, id: string): Promise<Refused | undefined> {
  const result = deletionResult(await apiKeys.checkApiKey(store, caller, id, deletableBy(scopes)))
  return result.ok ? undefined : result
}

function deletableBy(held: HeldScopes): readonly string[] | undefined {
  return held === undefined ? undefined : subsetsOf(held)
}

function deletionResult(outcome: Outcome<void, Refusal | 'scope_missing'>): Result<void> {
  if (outcome.ok) return outcome
  return outcome.refusal === 'scope_missing' ? missingScopes() : outcome
}
