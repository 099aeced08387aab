import { storedAnswer } from '../../answer.ts'
import { keptAnswer } from '../../request/idempotency.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { retryExecution, type KeepingExecution } from '../../services/executions.ts'
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
  refusals: ['invalid_transition'],
  async act(context, { path, idempotencyKey }) {
    const keeping: KeepingExecution | undefined = idempotencyKey && {
      key: idempotencyKey,
      answerFor: (execution) => storedAnswer(createdAnswer(execution)),
    }
    const created = await retryExecution(context, path.id, keeping)
    if (created.ok) return createdAnswer(created.value)
    return 'kept' in created ? keptAnswer(created.kept) : created
  },
})
