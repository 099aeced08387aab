import { defineRoute, noBody, noParameters } from '../../route.ts'
import { getExecution as findExecution } from '../../services/executions.ts'
import { executionAnswer, executionPath, executionSchema } from './contract.ts'

export const getExecution = defineRoute({
  method: 'GET',
  path: '/v1/executions/{id}',
  summary: 'Read an execution.',
  access: { kind: 'execution', need: 'view' },
  scope: 'claimed',
  pathParameters: executionPath,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: executionSchema },
  refusals: [],
  async act(context, { path }) {
    const execution = await findExecution(context, path.id)
    return execution.ok ? executionAnswer(execution.value) : execution
  },
})
