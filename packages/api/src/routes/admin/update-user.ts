import { roles } from '@millrace/db/schema/schema'
import * as z from 'zod'
import { jsonResponse } from '../../response.ts'
import { id } from '../../fields.ts'
import { defineRoute, jsonBody } from '../../route.ts'
import { changeUser, checkUser } from '../../services/administered-users.ts'
import { administeredUserJson, administeredUserSchema } from './contract.ts'

export const patchUser = defineRoute({
  method: 'PATCH',
  path: '/v1/admin/users/{id}',
  summary: "Change a user's role, or disable or enable it, from its next request on.",
  access: { kind: 'admin' },
  scope: 'admin',
  pathParameters: z.object({ id }),
  body: jsonBody(z.object({ role: z.enum(roles).optional(), disabled: z.boolean().optional() })),
  answers: { 200: administeredUserSchema },
  refusals: ['forbidden', 'not_found'],
  find: (context, { id: userId }) => checkUser(context, userId),
  act: (context, { path, body }) => changeUser(context, path.id, body),
  answer: (user) => jsonResponse(200, administeredUserJson(user)),
})
