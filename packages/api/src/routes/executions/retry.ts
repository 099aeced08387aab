import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { retryExecution } from '../../services/executions.ts'
import { createdAnswer, executionPath, executionSchema } from './contract.ts'

export const postRetry = defineRoute({
  method: 'POST',
  path: '/v1/executions/{id}/retry',
  summary: 'Start a new execution with the input and version of one that has ended.',
  access: { kind: 'execution', need: 'execute' },
  scope: 'write',
  pathParameters: executionPath,
  query: noParameters,
  body: noBody,
  isIdempotent: true,
  isConditional: false,
  answers: { 201: executionSchema },
  answerHeaders: ['Location'],
  refusals: ['invalid_transition'],
  async act(context, { path, idempotencyKey }) {
    const key = answeredWith(idempotencyKey, createdAnswer)
    const created = await retryExecution(context, path.id, key)
    return created.ok ? createdAnswer(created.value) : created
  },
})
