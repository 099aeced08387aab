import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute } from '../../route.ts'
import { retryExecution } from '../../services/executions.ts'
import { createdResponse, executionPath, executionSchema } from './contract.ts'

export const postRetry = defineRoute({
  method: 'POST',
  path: '/v1/executions/{id}/retry',
  summary: 'Start a new execution with the input and version of one that has ended.',
  access: { kind: 'execution', need: 'execute' },
  scope: 'write',
  pathParameters: executionPath,
  isIdempotent: true,
  answers: { 201: executionSchema },
  answerHeaders: ['Location'],
  refusals: ['invalid_transition'],
  act: (context, { path, idempotencyKey }) =>
    retryExecution(context, path.id, answeredWith(idempotencyKey, createdResponse)),
  answer: createdResponse,
})
