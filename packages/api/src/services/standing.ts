import type { Outcome, Permission } from '@millrace/db/access/access'
import * as executions from '@millrace/db/repositories/executions/executions'
import { checkStanding } from '@millrace/db/repositories/accounts/standing'
import { checkWorkflow } from '@millrace/db/repositories/workflows/workflows'
import { refuse, refusedBy, type Refused, type Result } from '../result.ts'
import type { HeldScopes } from '../scopes.ts'
import type { Context, UserContext } from './context.ts'

/** Why the caller may do nothing at all; undefined when it may. Anonymous callers have no standing to lose. */
export async function checkCaller({ store, caller }: Context): Promise<Refused | undefined> {
  return caller.kind === 'anonymous' ? undefined : refusedBy(await checkStanding(store, caller))
}

/** Why the caller may not do something to a workflow; undefined when it may. */
export async function checkPermission(
  { store, caller }: Context,
  workflowId: string,
  need: Permission,
): Promise<Refused | undefined> {
  return refusedBy(await checkWorkflow(store, caller, workflowId, need))
}

/** Why the caller may not do something to an execution; undefined when it may. */
export async function checkExecution(
  { store, caller }: UserContext,
  id: string,
  need: Permission,
): Promise<Refused | undefined> {
  return refusedBy(await executions.checkExecution(store, caller, id, need))
}

/** Why the caller may not do what only administrators may; undefined when it may. */
export async function checkAdministrator({ store, caller }: Context): Promise<Refused | undefined> {
  const standing = await checkStanding(store, caller)
  if (!standing.ok) return standing
  return standing.value.isAdmin ? undefined : refuse('forbidden')
}

/** What reading an execution takes: with the scope `worker` alone, that one may claim it. */
export function permissionToRead(scopes: HeldScopes): Permission {
  return isReader(scopes) ? 'view' : 'owner'
}

/**
 * What an API key reads with the scope `worker` alone: an execution once it was claimed.
 * @param outcome Of reading it with {@link permissionToRead}.
 */
export function onceClaimed<Read extends { readonly attempts: number }>(
  scopes: HeldScopes,
  outcome: Outcome<Read>,
): Result<Read> {
  const isClaimed = outcome.ok ? outcome.value.attempts > 0 : outcome.refusal !== 'forbidden'
  if (isReader(scopes) || isClaimed) return outcome
  return refuse('scope_missing', {
    detail: 'With the scope `worker` alone an API key reads what it has claimed: add `read`.',
  })
}

function isReader(scopes: HeldScopes): boolean {
  return scopes === undefined || scopes.has('read') || scopes.has('write')
}
