import * as z from 'zod'
import { id } from '../../fields.ts'
import { defineRoute } from '../../route.ts'
import { checkSession, removeSession } from '../../services/sessions.ts'

export const deleteSession = defineRoute({
  method: 'DELETE',
  path: '/v1/auth/sessions/{id}',
  summary: "End one of the caller's sessions.",
  access: { kind: 'user' },
  scope: 'account',
  pathParameters: z.object({ id }),
  answers: { 204: null },
  refusals: ['not_found'],
  find: (context, { id: sessionId }) => checkSession(context, sessionId),
  act: (context, { path }) => removeSession(context, path.id),
})
