import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { listApiKeys } from '../../services/api-keys.ts'
import { pageQuery, pageSchema } from '../paging.ts'
import { apiKeyJson, apiKeySchema } from './contract.ts'

export const getApiKeys = defineRoute({
  method: 'GET',
  path: '/v1/api-keys',
  summary: "List the caller's API keys, newest first.",
  access: { kind: 'user' },
  scope: 'read',
  pathParameters: noParameters,
  query: z.object(pageQuery),
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: pageSchema(apiKeySchema) },
  refusals: ['invalid_cursor'],
  async act(context, { query }) {
    const page = await listApiKeys(context, query)
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(apiKeyJson), nextCursor })
  },
})
