import { defineRoute, noBody, noParameters } from '../../route.ts'
import { cancelExecution } from '../../services/executions.ts'
import { executionAnswer, executionPath, executionSchema } from './contract.ts'

export const postCancel = defineRoute({
  method: 'POST',
  path: '/v1/executions/{id}/cancel',
  summary: 'Cancel an unfinished execution at once; a late worker can write nothing more.',
  access: { kind: 'execution', need: 'execute' },
  scope: 'write',
  pathParameters: executionPath,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: executionSchema },
  refusals: ['invalid_transition'],
  async act(context, { path }) {
    const execution = await cancelExecution(context, path.id)
    return execution.ok ? executionAnswer(execution.value) : execution
  },
})
