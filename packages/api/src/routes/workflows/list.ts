import * as z from 'zod'
import { moment, text } from '../../fields.ts'
import { definePublicRoute } from '../../route.ts'
import { listWorkflows } from '../../services/workflows.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
import { workflowSummaryJson, workflowSummarySchema } from './contract.ts'

export const getWorkflows = definePublicRoute({
  method: 'GET',
  path: '/v1/workflows',
  summary: 'List workflows, newest first.',
  access: { kind: 'user', isPublic: (query) => query.get('scope') === 'public' },
  scope: 'read',
  query: z.object({
    scope: z.enum(['owned', 'shared', 'public', 'all']).default('all'),
    q: text(0, 255).optional().meta({ description: 'Part of the name, ignoring case.' }),
    updatedSince: moment.optional(),
    sort: z.enum(['createdAt', 'updatedAt']).default('createdAt'),
    ...pageQuery,
  }),
  mayLag: true,
  answers: { 200: pageSchema(workflowSummarySchema) },
  act: (context, { query }) => listWorkflows(context, query),
  answer: pageResponse(workflowSummaryJson),
})
