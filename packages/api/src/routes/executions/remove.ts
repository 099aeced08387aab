import { emptyAnswer } from '../../answer.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { removeExecution } from '../../services/executions.ts'
import { executionPath } from './contract.ts'

export const deleteExecution = defineRoute({
  method: 'DELETE',
  path: '/v1/executions/{id}',
  summary: 'Delete an execution that has ended, with its steps and history.',
  access: { kind: 'execution', need: 'owner' },
  scope: 'write',
  pathParameters: executionPath,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 204: null },
  refusals: ['execution_active'],
  async act(context, { path }) {
    const removed = await removeExecution(context, path.id)
    return removed.ok ? emptyAnswer() : removed
  },
})
