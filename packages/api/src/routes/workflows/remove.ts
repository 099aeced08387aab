import { defineRoute } from '../../route.ts'
import { removeWorkflow } from '../../services/workflows.ts'
import { workflowPath } from './contract.ts'

export const deleteWorkflow = defineRoute({
  method: 'DELETE',
  path: '/v1/workflows/{id}',
  summary: 'Delete a workflow with its versions, shares and ended executions.',
  access: { kind: 'workflow', need: 'owner' },
  scope: 'write',
  pathParameters: workflowPath,
  isConditional: true,
  answers: { 204: null },
  refusals: ['execution_active'],
  act: (context, { path, ifRevision }) => removeWorkflow(context, path.id, ifRevision),
})
