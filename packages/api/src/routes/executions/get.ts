import { defineRoute } from '../../route.ts'
import { getExecution as findExecution } from '../../services/executions.ts'
import { executionResponse, executionPath, executionSchema } from './contract.ts'

export const getExecution = defineRoute({
  method: 'GET',
  path: '/v1/executions/{id}',
  summary: 'Read an execution.',
  access: { kind: 'execution', need: 'view' },
  scope: 'claimed',
  pathParameters: executionPath,
  answers: { 200: executionSchema },
  act: (context, { path }) => findExecution(context, path.id),
  answer: executionResponse,
})
