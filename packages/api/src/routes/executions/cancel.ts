import { defineRoute } from '../../route.ts'
import { cancelExecution } from '../../services/executions.ts'
import { executionResponse, executionPath, executionSchema } from './contract.ts'

export const postCancel = defineRoute({
  method: 'POST',
  path: '/v1/executions/{id}/cancel',
  summary: 'Cancel an unfinished execution at once; a late worker can write nothing more.',
  access: { kind: 'execution', need: 'execute' },
  scope: 'write',
  pathParameters: executionPath,
  answers: { 200: executionSchema },
  refusals: ['invalid_transition'],
  act: (context, { path }) => cancelExecution(context, path.id),
  answer: executionResponse,
})
