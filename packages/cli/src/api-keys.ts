import { mintApiKey } from '@millrace/api/auth/api-keys'
import { newId } from '@millrace/api/ids'
import { readScopes, writeScopes, type Scope } from '@millrace/api/scopes'
import type { UserCaller } from '@millrace/db/access/access'
import {
  listAllApiKeys,
  removeApiKey,
  type OwnedApiKey,
} from '@millrace/db/repositories/accounts/api-key-administration'
import { createApiKey } from '@millrace/db/repositories/accounts/api-keys'
import type { Store } from '@millrace/db/store/store'
import { Failure } from './failure.ts'
import { printable } from './printable.ts'
import { findUser } from './users.ts'

/** A key as docs/contract/api.md has it, and whose it is. */
export interface ApiKeyView extends Omit<OwnedApiKey, 'scopes'> {
  readonly scopes: readonly Scope[]
}

export interface NewKey {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: Date | null
  /** A username or an email. */
  readonly owner: string
}

function viewOf({
  id,
  name,
  scopes,
  prefix,
  expiresAt,
  createdAt,
  lastUsedAt,
  userId,
  username,
}: OwnedApiKey): ApiKeyView {
  return { id, name, scopes: readScopes(scopes) ?? [], prefix, expiresAt, createdAt, lastUsedAt, userId, username }
}

/** Makes a key; `key` is its text, told this once. Throws a Failure `not_found`, `account_disabled` or `forbidden`. */
export async function makeKey(
  store: Store,
  { name, scopes, expiresAt, owner }: NewKey,
): Promise<ApiKeyView & { readonly key: string }> {
  const { id: userId, username } = await findUser(store, owner)
  const createdAt = new Date()
  const caller: UserCaller = { kind: 'user', userId, issuedAt: createdAt, mayAdminister: true }
  const minted = mintApiKey({ userId, scopes, expiresAt })
  const row = { id: newId(createdAt), name, scopes: writeScopes(scopes), prefix: minted.prefix, expiresAt, createdAt }
  const mayAdminister = scopes.includes('admin')
  const outcome = await createApiKey(store, caller, { ...row, keySha256: minted.sha256, mayAdminister })
  if (!outcome.ok) throw refusalOf('refusal' in outcome ? outcome.refusal : 'internal', username)
  return { ...viewOf({ ...row, lastUsedAt: null, userId, username }), key: minted.text }
}

function refusalOf(refusal: string, username: string): Failure {
  const shown = printable(username)
  switch (refusal) {
    case 'account_disabled':
      return new Failure('account_disabled', {
        what: `${shown} is disabled.`,
        why: 'A key of a disabled user would be refused.',
        fix: `Run \`millrace user enable ${shown}\` first, or name another owner.`,
      })
    case 'forbidden':
      return new Failure('forbidden', {
        what: `${shown} may not have a key with the scope admin.`,
        why: `${shown} does not have the role admin.`,
        fix: `Run \`millrace user role ${shown} admin\` first, or leave the scope out.`,
      })
    default:
      return new Failure('internal', {
        what: 'The database refused the API key.',
        why: `It answered ${refusal}.`,
        fix: 'Run the command again.',
      })
  }
}

/** All keys, or those of one user, newest first. */
export async function listKeys(store: Store, owner: string | undefined): Promise<readonly ApiKeyView[]> {
  const userId = owner === undefined ? undefined : (await findUser(store, owner)).id
  return (await listAllApiKeys(store, { userId })).map(viewOf)
}

/** Deletes a key, whoever has it. Throws a Failure `not_found`. */
export async function removeKey(store: Store, id: string): Promise<ApiKeyView> {
  const [found] = await listAllApiKeys(store, { id })
  if (found === undefined) {
    throw new Failure('not_found', {
      what: `There is no API key ${printable(id)}.`,
      why: 'No API key in this database has that id.',
      fix: 'See the ids with `millrace api-key list`.',
    })
  }
  const at = new Date()
  await removeApiKey(store, { id, userId: found.userId, eventId: newId(at), at })
  return viewOf(found)
}
