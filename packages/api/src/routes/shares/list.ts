import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { defineRoute, noBody } from '../../route.ts'
import { listShares } from '../../services/shares.ts'
import { pageQuery, pageSchema } from '../paging.ts'
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
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  mayLag: true,
  answers: { 200: pageSchema(shareSchema) },
  refusals: ['invalid_cursor'],
  async act(context, { path, query }) {
    const page = await listShares(context, { workflowId: path.id, ...query })
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(shareJson), nextCursor })
  },
})
