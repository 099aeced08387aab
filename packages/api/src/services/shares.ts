import { countAttempt } from '@millrace/db/repositories/accounts/login-attempts'
import { nameKey } from '@millrace/db/schema/names'
import type { Kept } from '@millrace/db/store/idempotency'
import * as shares from '@millrace/db/repositories/workflows/shares'
import type { ShareView } from '@millrace/db/repositories/workflows/shares'
import * as putting from '@millrace/db/repositories/workflows/shares-put'
import type { Shared } from '@millrace/db/repositories/workflows/shares-put'
import * as removing from '@millrace/db/repositories/workflows/shares-remove'
import type { StoredAnswer } from '@millrace/db/store/idempotency'
import type { SharePermission } from '@millrace/db/schema/schema'
import type { CursorScope } from '../cursor.ts'
import { newId } from '../ids.ts'
import type { IdempotencyKey } from '../request/idempotency.ts'
import { done, refuse, type Refused, type Result } from '../result.ts'
import type { Context } from './context.ts'
import { isKept } from './kept.ts'
import { tooMany } from './limits.ts'
import { pageOf, readKeyset, startOf, type Page } from './paging.ts'
import type { PageQuery } from './sessions.ts'
import { checkPermission } from './standing.ts'

export interface NewShare {
  readonly workflowId: string
  readonly target: { readonly username: string } | { readonly userId: string }
  readonly permission: SharePermission
}

export interface KeepingShare {
  readonly key: IdempotencyKey
  readonly answerFor: (shared: Shared) => StoredAnswer
}

/** Shares a workflow with a user, or changes what that user may do with it. */
export async function putShare(
  { store, caller, clock, settings }: Context,
  { workflowId, target, permission }: NewShare,
  keeping: KeepingShare | undefined,
): Promise<Result<Shared> | { readonly ok: false; readonly kept: Kept }> {
  if (caller.kind === 'anonymous') return refuse('unauthenticated')
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
  const idempotent = keeping && { ...keeping.key, at, answerFor: keeping.answerFor }
  const outcome = await putting.putShare(store, caller, workflowId, share, idempotent)
  if (outcome.ok) return outcome
  if (isKept(outcome)) return { ok: false, kept: outcome }
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
    default:
      return refuse(outcome.refusal)
  }
}

/** A page of a workflow's shares, newest first; for its owner. */
export async function listShares(
  context: Context,
  { workflowId, limit, cursor }: PageQuery & { readonly workflowId: string },
): Promise<Result<Page<ShareView>>> {
  const { store, caller } = context
  if (caller.kind === 'anonymous') return refuse('unauthenticated')
  const cursors: CursorScope = { list: 'shares', filters: { workflowId }, userId: caller.userId }
  const start = await startOf(cursors, cursor, readKeyset, () => checkPermission(context, workflowId, 'owner'))
  if (!start.ok) return start
  const outcome = await shares.listShares(store, caller, workflowId, { limit, after: start.value })
  if (!outcome.ok) return refuse(outcome.refusal)
  return done(await pageOf(cursors, outcome.value, limit, (share) => [share.createdAt.getTime(), share.id]))
}

export interface ShareOfUser {
  readonly workflowId: string
  readonly userId: string
}

/** Takes a share away: the owner any, a user its own. */
export async function removeShare(
  { store, caller, clock }: Context,
  { workflowId, userId }: ShareOfUser,
): Promise<Result<void>> {
  if (caller.kind === 'anonymous') return refuse('unauthenticated')
  const at = clock()
  const outcome = await removing.deleteShare(store, caller, { workflowId, userId, operation: newId(at), at })
  return outcome.ok ? outcome : refuse(outcome.refusal)
}

/** Why the caller can't take a share away; undefined when it can. */
export async function checkShare(
  { store, caller }: Context,
  { workflowId, userId }: ShareOfUser,
): Promise<Refused | undefined> {
  if (caller.kind === 'anonymous') return refuse('unauthenticated')
  const outcome = await removing.checkShare(store, caller, workflowId, userId)
  return outcome.ok ? undefined : refuse(outcome.refusal)
}
