import * as z from 'zod'
import { id } from '../../fields.ts'
import { defineRoute } from '../../route.ts'
import { checkApiKey, removeApiKey } from '../../services/api-keys.ts'

export const deleteApiKey = defineRoute({
  method: 'DELETE',
  path: '/v1/api-keys/{id}',
  summary: "Delete one of the caller's API keys, from the next request on.",
  access: { kind: 'user' },
  scope: 'write',
  pathParameters: z.object({ id }),
  answers: { 204: null },
  refusals: ['not_found'],
  find: (context, { id: keyId }) => checkApiKey(context, keyId),
  act: (context, { path }) => removeApiKey(context, path.id),
})
