import * as z from 'zod'
import { defineRoute } from '../../route.ts'
import { listShares } from '../../services/shares.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
import { workflowPath } from '../workflows/contract.ts'
import { shareJson, shareSchema } from './contract.ts'

export const getShares = defineRoute({
  method: 'GET',
  path: '/v1/workflows/{id}/shares',
  summary: 'List with whom a workflow is shared, newest first.',
  access: { kind: 'workflow', need: 'owner' },
  scope: 'read',
  pathParameters: workflowPath,
  query: z.object(pageQuery),
  mayLag: true,
  answers: { 200: pageSchema(shareSchema) },
  act: (context, { path, query }) => listShares(context, { workflowId: path.id, ...query }),
  answer: pageResponse(shareJson),
})
