import * as z from 'zod'
import { emptyAnswer } from '../../answer.ts'
import { id } from '../../fields.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { checkSession, removeSession } from '../../services/sessions.ts'

export const deleteSession = defineRoute({
  method: 'DELETE',
  path: '/v1/auth/sessions/{id}',
  summary: "End one of the caller's sessions.",
  access: { kind: 'user' },
  scope: 'account',
  pathParameters: z.object({ id }),
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 204: null },
  refusals: ['not_found'],
  find: (context, { id: sessionId }) => checkSession(context, sessionId),
  async act(context, { path }) {
    const removed = await removeSession(context, path.id)
    return removed.ok ? emptyAnswer() : removed
  },
})
