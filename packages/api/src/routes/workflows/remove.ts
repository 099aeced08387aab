import { emptyAnswer } from '../../answer.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { removeWorkflow } from '../../services/workflows.ts'
import { workflowPath } from './contract.ts'

export const deleteWorkflow = defineRoute({
  method: 'DELETE',
  path: '/v1/workflows/{id}',
  summary: 'Delete a workflow with its versions, shares and ended executions.',
  access: { kind: 'workflow', need: 'owner' },
  scope: 'write',
  pathParameters: workflowPath,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: true,
  answers: { 204: null },
  refusals: ['execution_active'],
  async act(context, { path, ifRevision }) {
    const removed = await removeWorkflow(context, path.id, ifRevision)
    return removed.ok ? emptyAnswer() : removed
  },
})
