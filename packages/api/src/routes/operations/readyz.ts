import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { databaseCodes } from '../../errors.ts'
import { definePublicRoute, noBody, noParameters } from '../../route.ts'

export const getReadiness = definePublicRoute({
  method: 'GET',
  path: '/readyz',
  summary: 'Whether the database answers, has every migration, and is not being restored.',
  access: { kind: 'open' },
  scope: undefined,
  pathParameters: noParameters,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: {
    200: z.object({
      status: z.literal('ready'),
      dialect: z.enum(['sqlite', 'postgres', 'mysql']),
      schema: z.int().meta({ description: 'Number of the newest migration.' }),
    }),
  },
  refusals: databaseCodes,
  async act({ readiness }) {
    const { dialect, schema } = await readiness()
    return jsonAnswer(200, { status: 'ready', dialect, schema })
  },
})
