import { defineRoute } from '../../route.ts'
import { resumeExecution } from '../../services/executions.ts'
import { executionResponse, executionPath, executionSchema } from './contract.ts'

export const postResume = defineRoute({
  method: 'POST',
  path: '/v1/executions/{id}/resume',
  summary: 'Make a paused execution pending, due now.',
  access: { kind: 'execution', need: 'execute' },
  scope: 'write',
  pathParameters: executionPath,
  answers: { 200: executionSchema },
  refusals: ['invalid_transition'],
  act: (context, { path }) => resumeExecution(context, path.id),
  answer: executionResponse,
})
