import { defineRoute } from '../../route.ts'
import { removeExecution } from '../../services/executions.ts'
import { executionPath } from './contract.ts'

export const deleteExecution = defineRoute({
  method: 'DELETE',
  path: '/v1/executions/{id}',
  summary: 'Delete an execution that has ended, with its steps and history.',
  access: { kind: 'execution', need: 'owner' },
  scope: 'write',
  pathParameters: executionPath,
  answers: { 204: null },
  refusals: ['execution_active'],
  act: (context, { path }) => removeExecution(context, path.id),
})
