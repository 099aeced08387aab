import { jsonResponse } from '../../response.ts'
import { defineRoute } from '../../route.ts'
import { checkStep, getStep as findStep } from '../../services/entries.ts'
import { stepJson, stepPath, stepSchema } from './entries.ts'

export const getStep = defineRoute({
  method: 'GET',
  path: '/v1/executions/{id}/steps/{key}',
  summary: 'Read a step by its key.',
  access: { kind: 'execution', need: 'view' },
  scope: 'claimed',
  pathParameters: stepPath,
  answers: { 200: stepSchema },
  find: (context, { id, key }) => checkStep(context, id, key),
  act: (context, { path }) => findStep(context, path.id, path.key),
  answer: (step) => jsonResponse(200, stepJson(step)),
})
