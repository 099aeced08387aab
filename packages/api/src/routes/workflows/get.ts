import { revisionAnswer } from '../../answer.ts'
import { definePublicRoute, noBody, noParameters } from '../../route.ts'
import { getWorkflow as findWorkflow } from '../../services/workflows.ts'
import { workflowJson, workflowPath, workflowSchema } from './contract.ts'

export const getWorkflow = definePublicRoute({
  method: 'GET',
  path: '/v1/workflows/{id}',
  summary: 'Read a workflow.',
  access: { kind: 'workflow', need: 'view' },
  scope: 'read',
  pathParameters: workflowPath,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: workflowSchema },
  refusals: [],
  async act(context, { path }) {
    const workflow = await findWorkflow(context, path.id)
    return workflow.ok ? revisionAnswer(200, workflowJson(workflow.value)) : workflow
  },
})
