import * as z from 'zod'
import { revisionResponse } from '../../response.ts'
import { text } from '../../fields.ts'
import { defineRoute, jsonBody } from '../../route.ts'
import { transferWorkflow } from '../../services/workflows.ts'
import { workflowJson, workflowPath, workflowSchema } from './contract.ts'

export const postTransfer = defineRoute({
  method: 'POST',
  path: '/v1/workflows/{id}/transfer',
  summary: 'Give a workflow to another user; the old owner keeps `edit`.',
  access: { kind: 'workflow', need: 'owner' },
  scope: 'write',
  pathParameters: workflowPath,
  body: jsonBody(z.object({ username: text(1, 255) })),
  isConditional: true,
  answers: { 200: workflowSchema },
  refusals: ['rate_limited'],
  act: (context, { path, body, ifRevision }) => transferWorkflow(context, path.id, { ...body, ifRevision }),
  answer: (workflow) => revisionResponse(200, workflowJson(workflow)),
})
