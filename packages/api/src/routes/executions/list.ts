import * as z from 'zod'
import { id, moment } from '../../fields.ts'
import { defineRoute } from '../../route.ts'
import { listExecutions } from '../../services/executions.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
import { executionSummaryJson, executionSummarySchema, status } from './contract.ts'

export const getExecutions = defineRoute({
  method: 'GET',
  path: '/v1/executions',
  summary: 'List executions, newest first.',
  access: { kind: 'user' },
  scope: 'read',
  query: z.object({
    status: z.array(status).default([]).meta({ description: 'Any of these; may be given more than once.' }),
    workflowId: id.optional(),
    since: moment.optional().meta({ description: 'Created at this moment or later.' }),
    until: moment.optional().meta({ description: 'Created before this moment.' }),
    ...pageQuery,
  }),
  repeatableQuery: new Set(['status']),
  mayLag: true,
  answers: { 200: pageSchema(executionSummarySchema) },
  act: (context, { query }) => listExecutions(context, query),
  answer: pageResponse(executionSummaryJson),
})
