import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { moment, text } from '../../fields.ts'
import { definePublicRoute, noBody, noParameters } from '../../route.ts'
import { listWorkflows } from '../../services/workflows.ts'
import { pageQuery, pageSchema } from '../paging.ts'
import { workflowSummaryJson, workflowSummarySchema } from './contract.ts'

export const getWorkflows = definePublicRoute({
  method: 'GET',
  path: '/v1/workflows',
  summary: 'List workflows, newest first.',
  access: { kind: 'user', isPublic: (query) => query.get('scope') === 'public' },
  scope: 'read',
  pathParameters: noParameters,
  query: z.object({
    scope: z.enum(['owned', 'shared', 'public', 'all']).default('all'),
    q: text(0, 255).optional().meta({ description: 'Part of the name, ignoring case.' }),
    updatedSince: moment.optional(),
    sort: z.enum(['createdAt', 'updatedAt']).default('createdAt'),
    ...pageQuery,
  }),
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  mayLag: true,
  answers: { 200: pageSchema(workflowSummarySchema) },
  refusals: ['invalid_cursor'],
  async act(context, { query }) {
    const page = await listWorkflows(context, query)
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(workflowSummaryJson), nextCursor })
  },
})
