import { revisionResponse } from '../../response.ts'
import { definePublicRoute } from '../../route.ts'
import { getWorkflow as findWorkflow } from '../../services/workflows.ts'
import { workflowJson, workflowPath, workflowSchema } from './contract.ts'

export const getWorkflow = definePublicRoute({
  method: 'GET',
  path: '/v1/workflows/{id}',
  summary: 'Read a workflow.',
  access: { kind: 'workflow', need: 'view' },
  scope: 'read',
  pathParameters: workflowPath,
  answers: { 200: workflowSchema },
  act: (context, { path }) => findWorkflow(context, path.id),
  answer: (workflow) => revisionResponse(200, workflowJson(workflow)),
})
