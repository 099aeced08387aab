import * as z from 'zod'
import { text } from '../../fields.ts'
import { defineRoute } from '../../route.ts'
import { listUsers } from '../../services/administered-users.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
import { administeredUserJson, administeredUserSchema } from './contract.ts'

export const getUsers = defineRoute({
  method: 'GET',
  path: '/v1/admin/users',
  summary: 'List all users, newest first.',
  access: { kind: 'admin' },
  scope: 'admin',
  query: z.object({
    q: text(0, 255).optional().meta({ description: 'Part of the username or email, ignoring case.' }),
    ...pageQuery,
  }),
  mayLag: true,
  answers: { 200: pageSchema(administeredUserSchema) },
  refusals: ['forbidden'],
  act: (context, { query }) => listUsers(context, query),
  answer: pageResponse(administeredUserJson),
})
