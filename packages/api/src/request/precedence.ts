import type { Permission } from '@millrace/db/access/access'
import { findStored } from '@millrace/db/store/idempotency'
import type { RouteResponse } from '../response.ts'
import { refuse, type Refused } from '../result.ts'
import { allows, type RouteScope } from '../scopes.ts'
import type { Access, RouteContract } from '../route-contract.ts'
import { hasUser, type Context } from '../services/context.ts'
import { checkSchedule } from '../services/schedules.ts'
import { checkAdministrator, checkCaller, checkExecution, checkPermission } from '../services/standing.ts'
import { replayOrRefusal } from './idempotency.ts'
import type { Incoming } from './incoming.ts'
import type { Faults } from './input.ts'

/**
 * Refuses a faulty request with the first refusal by the precedence in docs/contract/api.md: the caller's standing, what
 * the Idempotency-Key says, 404 and `forbidden` come before the faults themselves, so they are looked up first.
 */
export async function firstRefusal(
  contract: RouteContract,
  context: Context,
  incoming: Incoming,
  faults: Faults,
  find: (() => Promise<Refused | undefined>) | undefined,
): Promise<RouteResponse | Refused> {
  const denied = await (find?.() ?? checkAccess(contract, context, incoming, faults))
  const isAboutThing = denied?.refusal === 'not_found' || denied?.refusal === 'forbidden'
  if (denied !== undefined && !isAboutThing) return denied
  const stored = await findStoredResponse(context, faults)
  if (stored !== undefined) return stored
  if (denied !== undefined) return denied
  if (faults.fields.length > 0) return refuse(faults.code, { errors: faults.fields })
  return refuse(faults.precondition ?? 'validation_failed')
}

/** Why the caller may not have what the path names; undefined where it may. */
export async function checkAccess(
  { access }: Pick<RouteContract, 'access'>,
  context: Context,
  { body }: Pick<Incoming, 'body'>,
  { pathId, isPathUnknown }: Pick<Faults, 'pathId' | 'isPathUnknown'>,
): Promise<Refused | undefined> {
  switch (access.kind) {
    case 'metrics':
      return isPathUnknown ? refuse('not_found') : undefined
    case 'open':
    case 'user':
      return (await checkCaller(context)) ?? (isPathUnknown ? refuse('not_found') : undefined)
    case 'admin':
      return (await checkAdministrator(context)) ?? (isPathUnknown ? refuse('not_found') : undefined)
    case 'execution': {
      if (pathId === undefined) return checkUnknownPath(context)
      if (!hasUser(context)) return refuse('unauthenticated')
      return unlessUnknown(await checkExecution(context, pathId, access.need), isPathUnknown)
    }
    case 'schedule': {
      if (pathId === undefined) return checkUnknownPath(context)
      return hasUser(context) ? checkSchedule(context, pathId, access.need) : refuse('unauthenticated')
    }
    case 'workflow': {
      if (pathId === undefined) return checkUnknownPath(context)
      return unlessUnknown(await checkPermission(context, pathId, neededFor(access, body)), isPathUnknown)
    }
  }
}

/** A path that can't name anything is `not_found`, but only for a caller who may see the workflow around it. */
function unlessUnknown(denied: Refused | undefined, isPathUnknown: boolean): Refused | undefined {
  const isSeen = denied === undefined || denied.refusal === 'forbidden'
  return isSeen && isPathUnknown ? refuse('not_found') : denied
}

/** The permission on a workflow that a request needs, by what is in it. */
function neededFor(access: Extract<Access, { kind: 'workflow' }>, body: Incoming['body']): Permission {
  const { need } = access
  if (need === 'view' || body.kind !== 'object') return need
  return access.needFor?.(body.members) ?? need
}

/** What is wrong with a token that was sent to a route which asks for none. */
export function needlessTokenRefusal(
  { access }: RouteContract,
  context: Context,
): Promise<Refused | undefined> | undefined {
  return access.kind === 'open' ? checkCaller(context) : undefined
}

/** Why the caller's API key is not enough for the route; a key or user that does not count is refused for that first. */
export function scopeRefusal({ scope }: RouteContract, context: Context): Promise<Refused | undefined> | undefined {
  return scope === undefined || allows(context.scopes, scope) ? undefined : missingScope(scope, context)
}

async function missingScope(scope: RouteScope, context: Context): Promise<Refused> {
  const detail =
    scope === 'account'
      ? 'No API key may do this: log in.'
      : `The API key lacks the scope \`${scope === 'claimed' ? 'read' : scope}\`, which this needs.`
  return (await checkCaller(context)) ?? refuse('scope_missing', { detail })
}

/** A path that can't name anything is `not_found`, once the caller's standing is good. */
async function checkUnknownPath(context: Context): Promise<Refused> {
  if (context.caller.kind === 'anonymous') return refuse('unauthenticated')
  return (await checkCaller(context)) ?? refuse('not_found')
}

async function findStoredResponse({ store, caller, clock }: Context, { idempotencyKey }: Faults) {
  if (idempotencyKey === undefined || caller.kind === 'anonymous') return undefined
  const stored = await findStored(store, caller.userId, { ...idempotencyKey, at: clock() })
  return stored === undefined ? undefined : replayOrRefusal(stored)
}
