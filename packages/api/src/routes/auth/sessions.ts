import { membersOf } from '../members.ts'
import * as z from 'zod'
import { id, instant } from '../../fields.ts'
import { defineRoute } from '../../route.ts'
import { listSessions, type ListedSession } from '../../services/sessions.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'

const sessionSchema = z
  .object({
    id,
    createdAt: instant,
    lastUsedAt: instant,
    userAgent: z.string().nullable(),
    current: z.boolean().meta({ description: 'Whether the request was made in it.' }),
  })
  .meta({ id: 'Session' })

export const getSessions = defineRoute({
  method: 'GET',
  path: '/v1/auth/sessions',
  summary: "List the caller's sessions, newest first.",
  access: { kind: 'user' },
  scope: 'read',
  query: z.object(pageQuery),
  answers: { 200: pageSchema(sessionSchema) },
  act: (context, { query }) => listSessions(context, query),
  answer: pageResponse<ListedSession>(membersOf(sessionSchema)),
})
