import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { id, instant } from '../../fields.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { listSessions, type ListedSession } from '../../services/sessions.ts'
import { pageQuery, pageSchema } from '../paging.ts'

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
  pathParameters: noParameters,
  query: z.object(pageQuery),
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: pageSchema(sessionSchema) },
  refusals: ['invalid_cursor'],
  async act(context, { query }) {
    const page = await listSessions(context, query)
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(sessionJson), nextCursor })
  },
})

function sessionJson({ id: sessionId, createdAt, lastUsedAt, userAgent, current }: ListedSession) {
  return { id: sessionId, createdAt, lastUsedAt, userAgent, current }
}
