import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { id, moment } from '../../fields.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { listExecutions } from '../../services/executions.ts'
import { pageQuery, pageSchema } from '../paging.ts'
import { executionSummaryJson, executionSummarySchema, status } from './contract.ts'

export const getExecutions = defineRoute({
  method: 'GET',
  path: '/v1/executions',
  summary: 'List executions, newest first.',
  access: { kind: 'user' },
  scope: 'read',
  pathParameters: noParameters,
  query: z.object({
    status: z.array(status).default([]).meta({ description: 'Any of these; may be given more than once.' }),
    workflowId: id.optional(),
    since: moment.optional().meta({ description: 'Created at this moment or later.' }),
    until: moment.optional().meta({ description: 'Created before this moment.' }),
    ...pageQuery,
  }),
  repeatableQuery: new Set(['status']),
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  mayLag: true,
  answers: { 200: pageSchema(executionSummarySchema) },
  refusals: ['invalid_cursor'],
  async act(context, { query }) {
    const page = await listExecutions(context, query)
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(executionSummaryJson), nextCursor })
  },
})
