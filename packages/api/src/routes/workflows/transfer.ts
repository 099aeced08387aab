import * as z from 'zod'
import { revisionAnswer } from '../../answer.ts'
import { text } from '../../fields.ts'
import { defineRoute, jsonBody, noParameters } from '../../route.ts'
import { transferWorkflow } from '../../services/workflows.ts'
import { workflowJson, workflowPath, workflowSchema } from './contract.ts'

export const postTransfer = defineRoute({
  method: 'POST',
  path: '/v1/workflows/{id}/transfer',
  summary: 'Give a workflow to another user; the old owner keeps `edit`.',
  access: { kind: 'workflow', need: 'owner' },
  scope: 'write',
  pathParameters: workflowPath,
  query: noParameters,
  body: jsonBody(z.object({ username: text(1, 255) })),
  isIdempotent: false,
  isConditional: true,
  answers: { 200: workflowSchema },
  refusals: ['rate_limited'],
  async act(context, { path, body, ifRevision }) {
    const workflow = await transferWorkflow(context, path.id, { ...body, ifRevision })
    return workflow.ok ? revisionAnswer(200, workflowJson(workflow.value)) : workflow
  },
})
