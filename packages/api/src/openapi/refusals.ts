import { databaseCodes, errorCodes, errorKind, type ErrorCode, type ErrorStatus } from '../errors.ts'
import type { Access, RouteContract } from '../route-contract.ts'

/** All codes that a route may refuse with, by what its contract implies, under each one's status. */
export function refusalsOf(route: RouteContract): ReadonlyMap<ErrorStatus, readonly ErrorCode[]> {
  const codes = new Set<ErrorCode>([...impliedBy(route), ...route.refusals, 'internal'])
  const inOrder = errorCodes.filter((code) => codes.has(code))
  return Map.groupBy(inOrder, (code) => errorKind(code).status)
}

function impliedBy(route: RouteContract): readonly ErrorCode[] {
  const { method, body, query, access, isIdempotent, isConditional, path } = route
  return [
    'validation_failed',
    ...(method === 'GET' ? [] : (['malformed_json', 'payload_too_large', 'unsupported_media_type'] as const)),
    ...(body.kind === 'documents' ? (['invalid_json_document'] as const) : []),
    ...('cursor' in query.shape ? (['invalid_cursor'] as const) : []),
    ...impliedByAccess(access, path),
    ...(isIdempotent ? (['idempotency_key_reused', 'idempotency_in_progress'] as const) : []),
    ...(isConditional ? (['precondition_required', 'precondition_failed'] as const) : []),
    ...(path.startsWith('/v1/') ? databaseCodes : []),
  ]
}

const unknownCaller = ['unauthenticated', 'token_expired', 'account_disabled', 'scope_missing'] as const

function impliedByAccess(access: Access, path: string): readonly ErrorCode[] {
  switch (access.kind) {
    case 'open':
      return []
    case 'metrics':
      return ['unauthenticated', 'not_found']
    case 'user':
      return [...unknownCaller, ...(path.includes('{') ? (['not_found'] as const) : [])]
    case 'admin':
      return [...unknownCaller, 'forbidden']
    case 'workflow':
    case 'execution':
    case 'schedule':
      return [...unknownCaller, 'not_found', ...(access.need === 'view' ? [] : (['forbidden'] as const))]
  }
}
