import * as users from '@millrace/db/repositories/accounts/administered-users'
import type { UserView } from '@millrace/db/repositories/accounts/users'
import type { Role } from '@millrace/db/schema/schema'
import type { CursorScope } from '../cursor.ts'
import type { FieldError } from '../errors.ts'
import { newId } from '../ids.ts'
import { done, refuse, refusedBy, type Refused, type Result } from '../result.ts'
import type { UserContext } from './context.ts'
import { pageOf, readKeyset, startOf, type Page, type PageQuery } from './paging.ts'
import { checkAdministrator } from './standing.ts'

/** A page of all users, newest first. */
export async function listUsers(
  context: UserContext,
  { q, limit, cursor }: PageQuery & { readonly q?: string | undefined },
): Promise<Result<Page<UserView>>> {
  const { store, caller } = context
  const cursors: CursorScope = { list: 'users', filters: { q }, userId: caller.userId }
  const start = await startOf(cursors, cursor, readKeyset, () => checkAdministrator(context))
  if (!start.ok) return start
  const outcome = await users.listAllUsers(store, caller, { q, limit, after: start.value })
  if (!outcome.ok) return outcome
  return done(pageOf(cursors, outcome.value, limit, (user) => [user.createdAt.getTime(), user.id]))
}

export interface UserChange {
  readonly role?: Role | undefined
  readonly disabled?: boolean | undefined
}

/**
 * Changes a user's role or disables it. An administrator does neither to itself, so that there is always one left by
 * whom it can be undone.
 */
export async function changeUser(
  context: UserContext,
  id: string,
  { role, disabled }: UserChange,
): Promise<Result<UserView>> {
  const { store, caller, clock } = context
  const errors: FieldError[] = []
  if (caller.userId === id && role === 'user')
    errors.push({ pointer: '/role', message: 'is your own: ask another one' })
  if (caller.userId === id && disabled === true) errors.push({ pointer: '/disabled', message: 'would lock you out' })
  if (errors.length > 0) return (await checkAdministrator(context)) ?? refuse('validation_failed', { errors })
  const at = clock()
  const change = { role, isDisabled: disabled, operation: newId(at), at }
  return users.changeUser(store, caller, id, change)
}

/** Why the caller can't change a user; undefined when it can. */
export async function checkUser({ store, caller }: UserContext, id: string): Promise<Refused | undefined> {
  return refusedBy(await users.getUser(store, caller, id))
}
