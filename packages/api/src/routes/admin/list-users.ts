import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { text } from '../../fields.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { listUsers } from '../../services/administered-users.ts'
import { pageQuery, pageSchema } from '../paging.ts'
import { administeredUserJson, administeredUserSchema } from './contract.ts'

export const getUsers = defineRoute({
  method: 'GET',
  path: '/v1/admin/users',
  summary: 'List all users, newest first.',
  access: { kind: 'admin' },
  scope: 'admin',
  pathParameters: noParameters,
  query: z.object({
    q: text(0, 255).optional().meta({ description: 'Part of the username or email, ignoring case.' }),
    ...pageQuery,
  }),
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  mayLag: true,
  answers: { 200: pageSchema(administeredUserSchema) },
  refusals: ['forbidden', 'invalid_cursor'],
  async act(context, { query }) {
    const page = await listUsers(context, query)
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(administeredUserJson), nextCursor })
  },
})
