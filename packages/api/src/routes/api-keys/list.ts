import * as z from 'zod'
import { defineRoute } from '../../route.ts'
import { listApiKeys } from '../../services/api-keys.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
import { apiKeyJson, apiKeySchema } from './contract.ts'

export const getApiKeys = defineRoute({
  method: 'GET',
  path: '/v1/api-keys',
  summary: "List the caller's API keys, newest first.",
  access: { kind: 'user' },
  scope: 'read',
  query: z.object(pageQuery),
  answers: { 200: pageSchema(apiKeySchema) },
  act: (context, { query }) => listApiKeys(context, query),
  answer: pageResponse(apiKeyJson),
})
