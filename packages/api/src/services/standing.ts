import type { Outcome, Permission } from '@millrace/db/access/access'
import * as executions from '@millrace/db/repositories/executions/executions'
import { checkStanding } from '@millrace/db/repositories/accounts/standing'
import { checkWorkflow } from '@millrace/db/repositories/workflows/workflows'
import { refuse, type Refused } from '../result.ts'
import type { Context } from './context.ts'

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
  { store, caller }: Context,
  id: string,
  need: Permission,
): Promise<Refused | undefined> {
  if (caller.kind === 'anonymous') return refuse('unauthenticated')
  return refusedBy(await executions.checkExecution(store, caller, id, need))
}

/** Why the caller may not do what only administrators may; undefined when it may. */
export async function checkAdministrator({ store, caller }: Context): Promise<Refused | undefined> {
  const standing = await checkStanding(store, caller)
  if (!standing.ok) return refuse(standing.refusal)
  return standing.value.isAdmin ? undefined : refuse('forbidden')
}

function refusedBy(outcome: Outcome<unknown>): Refused | undefined {
  return outcome.ok ? undefined : refuse(outcome.refusal)
}
