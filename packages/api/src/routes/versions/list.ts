import * as z from 'zod'
import { definePublicRoute } from '../../route.ts'
import { listVersions } from '../../services/versions.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
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
  mayLag: true,
  answers: { 200: pageSchema(versionSummarySchema) },
  act: (context, { path, query }) => listVersions(context, { workflowId: path.id, ...query }),
  answer: pageResponse(versionSummaryJson),
})
