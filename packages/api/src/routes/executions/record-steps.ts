import * as z from 'zod'
import { documentedAs } from '../../documented-as.ts'
import { jsonResponse } from '../../response.ts'
import { greatestCount, instant, moment } from '../../fields.ts'
import { defineRoute, documentsListBody } from '../../route.ts'
import { recordSteps } from '../../services/steps.ts'
import { executionPath, fence, leaseSeconds, stepError, value } from './contract.ts'
import { stepKey } from './entries.ts'

const mostSteps = 100

const step = z
  .strictObject({
    key: stepKey,
    output: value.optional().meta({ description: 'Any JSON value; kept as its exact text.' }),
    error: stepError.optional(),
    attempt: z.int().min(1).max(greatestCount).optional(),
    startedAt: moment.optional(),
  })
  .refine(({ output, error }) => (output === undefined) !== (error === undefined), {
    error: 'must have either an output or an error',
  })

const stepCount = { error: `must have 1 to ${mostSteps} steps` }

const newSteps = z.object({
  fence,
  steps: z
    // They are looked at after they are counted, so that the document has to be told what they are.
    .array(documentedAs(step), { error: 'must be a list of steps' })
    .min(1, stepCount)
    .max(mostSteps, stepCount)
    .pipe(z.tuple([step], step)),
  leaseSeconds: leaseSeconds.optional().meta({ description: 'From now on; the lease stays as it is when absent.' }),
})

export const postSteps = defineRoute({
  method: 'POST',
  path: '/v1/executions/{id}/steps',
  summary: 'Record what was done and is not done again: all or none, in this order.',
  access: { kind: 'execution', need: 'owner' },
  scope: 'worker',
  pathParameters: executionPath,
  body: documentsListBody(newSteps, { field: 'steps', mostItems: mostSteps }, ['output', 'error']),
  answers: {
    200: z.object({
      steps: z.array(z.object({ key: z.string(), seq: z.int() })),
      leaseUntil: instant.nullable(),
    }),
  },
  refusals: ['fence_stale', 'invalid_transition', 'step_recorded'],
  act: (context, { path, body }) => recordSteps(context, path.id, body),
  answer: ({ steps, leaseUntil }) =>
    jsonResponse(200, { steps: steps.map(({ key, seq }) => ({ key, seq })), leaseUntil }),
})
