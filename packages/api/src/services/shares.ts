import { countAttempt } from '@millrace/db/repositories/accounts/login-attempts'
import { nameKey } from '@millrace/db/schema/names'
import * as shares from '@millrace/db/repositories/workflows/shares'
import type { ShareView } from '@millrace/db/repositories/workflows/shares'
import * as putting from '@millrace/db/repositories/workflows/shares-put'
import type { Shared } from '@millrace/db/repositories/workflows/shares-put'
import * as removing from '@millrace/db/repositories/workflows/shares-remove'
import type { SharePermission } from '@millrace/db/schema/schema'
import type { CursorScope } from '../cursor.ts'
import { newId } from '../ids.ts'
import { done, refuse, refusedBy, type Refused, type Result } from '../result.ts'
import type { UserContext } from './context.ts'
import type { Idempotent, OrReplay } from './idempotency.ts'
import { tooMany } from './limits.ts'
import { pageOf, readKeyset, startOf, type Page, type PageQuery } from './paging.ts'
import { checkPermission } from './standing.ts'

export interface NewShare {
  readonly workflowId: string
  readonly target: { readonly username: string } | { readonly userId: string }
  readonly permission: SharePermission
}

/** Shares a workflow with a user, or changes what that user may do with it. */
export async function putShare(
  { store, caller, clock, settings }: UserContext,
  { workflowId, target, permission }: NewShare,
  key: Idempotent<Shared> | undefined,
): Promise<OrReplay<Shared>> {
  const at = clock()
  const { rateLimits: rates } = settings
  const share = {
    id: newId(at),
    target: 'userId' in target ? target : { usernameKey: nameKey(target.username) },
    permission,
    at,
    attemptId: newId(at),
    operation: newId(at),
    rates,
  }
  const idempotent = key && { ...key, at }
  const outcome = await putting.putShare(store, caller, workflowId, share, idempotent)
  if (outcome.ok) return outcome
  const pointer = 'userId' in target ? '/userId' : '/username'
  switch (outcome.refusal) {
    case 'rate_limited':
      return tooMany(outcome)
    case 'unknown_user': {
      // To ask for names is to search for them: it counts as a share that is made.
      const search = { id: newId(at), kind: 'share', nameKey: caller.userId, network: '', rates, at } as const
      const limited = await countAttempt(store, search)
      const errors = [{ pointer, message: 'is not a user' }]
      return limited === undefined ? refuse('validation_failed', { errors }) : tooMany(limited)
    }
    case 'own_user':
      return refuse('validation_failed', { errors: [{ pointer, message: 'may do everything with it already' }] })
    case 'replay':
      return outcome
    default:
      return refuse(outcome.refusal)
  }
}

/** A page of a workflow's shares, newest first; for its owner. */
export async function listShares(
  context: UserContext,
  { workflowId, limit, cursor }: PageQuery & { readonly workflowId: string },
): Promise<Result<Page<ShareView>>> {
  const { store, caller } = context
  const cursors: CursorScope = { list: 'shares', filters: { workflowId }, userId: caller.userId }
  const start = await startOf(cursors, cursor, readKeyset, () => checkPermission(context, workflowId, 'owner'))
  if (!start.ok) return start
  const outcome = await shares.listShares(store, caller, workflowId, { limit, after: start.value })
  if (!outcome.ok) return outcome
  return done(pageOf(cursors, outcome.value, limit, (share) => [share.createdAt.getTime(), share.id]))
}

export interface ShareOfUser {
  readonly workflowId: string
  readonly userId: string
}

/** Takes a share away: the owner any, a user its own. */
export function removeShare(
  { store, caller, clock }: UserContext,
  { workflowId, userId }: ShareOfUser,
): Promise<Result<void>> {
  const at = clock()
  return removing.deleteShare(store, caller, { workflowId, userId, operation: newId(at), at })
}

/** Why the caller can't take a share away; undefined when it can. */
export async function checkShare(
  { store, caller }: UserContext,
  { workflowId, userId }: ShareOfUser,
): Promise<Refused | undefined> {
  return refusedBy(await removing.checkShare(store, caller, workflowId, userId))
}
