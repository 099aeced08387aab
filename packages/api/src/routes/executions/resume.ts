import { defineRoute, noBody, noParameters } from '../../route.ts'
import { resumeExecution } from '../../services/executions.ts'
import { executionAnswer, executionPath, executionSchema } from './contract.ts'

export const postResume = defineRoute({
  method: 'POST',
  path: '/v1/executions/{id}/resume',
  summary: 'Make a paused execution pending, due now.',
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
    const execution = await resumeExecution(context, path.id)
    return execution.ok ? executionAnswer(execution.value) : execution
  },
})
