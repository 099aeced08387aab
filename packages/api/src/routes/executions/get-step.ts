import { jsonAnswer } from '../../answer.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { getStep as findStep } from '../../services/entries.ts'
import { stepJson, stepPath, stepSchema } from './entries.ts'

export const getStep = defineRoute({
  method: 'GET',
  path: '/v1/executions/{id}/steps/{key}',
  summary: 'Read a step by its key.',
  access: { kind: 'execution', need: 'view' },
  scope: 'claimed',
  pathParameters: stepPath,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: stepSchema },
  refusals: [],
  async act(context, { path }) {
    const step = await findStep(context, path.id, path.key)
    return step.ok ? jsonAnswer(200, stepJson(step.value)) : step
  },
})
