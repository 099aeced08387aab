import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { definePublicRoute, noBody } from '../../route.ts'
import { listVersions } from '../../services/versions.ts'
import { pageQuery, pageSchema } from '../paging.ts'
import { workflowPath } from '../workflows/contract.ts'
import { versionSummaryJson, versionSummarySchema } from './contract.ts'

export const getVersions = definePublicRoute({
  method: 'GET',
  path: '/v1/workflows/{id}/versions',
  summary: "List a workflow's versions, newest first.",
  access: { kind: 'workflow', need: 'view' },
  scope: 'read',
  pathParameters: workflowPath,
  query: z.object(pageQuery),
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  mayLag: true,
  answers: { 200: pageSchema(versionSummarySchema) },
  refusals: ['invalid_cursor'],
  async act(context, { path, query }) {
    const page = await listVersions(context, { workflowId: path.id, ...query })
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(versionSummaryJson), nextCursor })
  },
})
