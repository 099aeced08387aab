import type { Shared } from '@millrace/db/repositories/workflows/shares-put'
import { jsonResponse } from '../../response.ts'
import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute, jsonBody } from '../../route.ts'
import { putShare } from '../../services/shares.ts'
import { workflowPath } from '../workflows/contract.ts'
import { newShare, shareJson, shareSchema } from './contract.ts'

export const postShare = defineRoute({
  method: 'POST',
  path: '/v1/workflows/{id}/shares',
  summary: 'Share a workflow with a user, or change what that user may do.',
  access: { kind: 'workflow', need: 'owner' },
  scope: 'write',
  pathParameters: workflowPath,
  body: jsonBody(newShare),
  isIdempotent: true,
  answers: { 200: shareSchema, 201: shareSchema },
  refusals: ['rate_limited'],
  act(context, { path, body, idempotencyKey }) {
    const { username = '', userId, permission } = body
    const target = userId === undefined ? { username } : { userId }
    const key = answeredWith(idempotencyKey, sharedResponse)
    return putShare(context, { workflowId: path.id, target, permission }, key)
  },
  answer: sharedResponse,
})

function sharedResponse({ share, isNew }: Shared) {
  return jsonResponse(isNew ? 201 : 200, shareJson(share))
}
