import * as z from 'zod'
import { emptyAnswer } from '../../answer.ts'
import { id } from '../../fields.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { checkShare, removeShare } from '../../services/shares.ts'

export const deleteShare = defineRoute({
  method: 'DELETE',
  path: '/v1/workflows/{id}/shares/{userId}',
  summary: 'Take a share away: the owner any, a user its own.',
  // Of its own share that user needs no more than to see the workflow: `find` and the act know.
  access: { kind: 'workflow', need: 'owner' },
  scope: 'write',
  pathParameters: z.object({ id, userId: id }),
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 204: null },
  refusals: ['forbidden'],
  find: (context, { id: workflowId, userId }) => checkShare(context, { workflowId, userId }),
  async act(context, { path }) {
    const removed = await removeShare(context, { workflowId: path.id, userId: path.userId })
    return removed.ok ? emptyAnswer() : removed
  },
})
