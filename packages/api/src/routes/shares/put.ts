import type { Shared } from '@millrace/db/repositories/workflows/shares-put'
import { jsonAnswer, storedAnswer } from '../../answer.ts'
import { keptAnswer } from '../../request/idempotency.ts'
import { defineRoute, jsonBody, noParameters } from '../../route.ts'
import { putShare, type KeepingShare } from '../../services/shares.ts'
import { workflowPath } from '../workflows/contract.ts'
import { newShare, shareJson, shareSchema } from './contract.ts'

export const postShare = defineRoute({
  method: 'POST',
  path: '/v1/workflows/{id}/shares',
  summary: 'Share a workflow with a user, or change what that user may do.',
  access: { kind: 'workflow', need: 'owner' },
  scope: 'write',
  pathParameters: workflowPath,
  query: noParameters,
  body: jsonBody(newShare),
  isIdempotent: true,
  isConditional: false,
  answers: { 200: shareSchema, 201: shareSchema },
  refusals: ['rate_limited'],
  async act(context, { path, body, idempotencyKey }) {
    const { username = '', userId, permission } = body
    const target = userId === undefined ? { username } : { userId }
    const keeping: KeepingShare | undefined = idempotencyKey && {
      key: idempotencyKey,
      answerFor: (shared) => storedAnswer(sharedAnswer(shared)),
    }
    const put = await putShare(context, { workflowId: path.id, target, permission }, keeping)
    if (put.ok) return sharedAnswer(put.value)
    return 'kept' in put ? keptAnswer(put.kept) : put
  },
})

function sharedAnswer({ share, isNew }: Shared) {
  return jsonAnswer(isNew ? 201 : 200, shareJson(share))
}
