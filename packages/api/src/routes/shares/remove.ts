import * as z from 'zod'
import { id } from '../../fields.ts'
import { defineRoute } from '../../route.ts'
import { checkShare, removeShare } from '../../services/shares.ts'

export const deleteShare = defineRoute({
  method: 'DELETE',
  path: '/v1/workflows/{id}/shares/{userId}',
  summary: 'Take a share away: the owner any, a user its own.',
  // Of its own share that user needs no more than to see the workflow: `find` and the act know.
  access: { kind: 'workflow', need: 'owner' },
  scope: 'write',
  pathParameters: z.object({ id, userId: id }),
  answers: { 204: null },
  refusals: ['forbidden'],
  find: (context, { id: workflowId, userId }) => checkShare(context, { workflowId, userId }),
  act: (context, { path }) => removeShare(context, { workflowId: path.id, userId: path.userId }),
})
