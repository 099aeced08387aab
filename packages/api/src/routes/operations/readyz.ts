import * as z from 'zod'
import { jsonResponse } from '../../response.ts'
import { databaseCodes } from '../../errors.ts'
import { done } from '../../result.ts'
import { definePublicRoute } from '../../route.ts'

export const getReadiness = definePublicRoute({
  method: 'GET',
  path: '/readyz',
  summary: 'Whether the database answers, has every migration, and is not being restored.',
  access: { kind: 'open' },
  scope: undefined,
  answers: {
    200: z.object({
      status: z.literal('ready'),
      dialect: z.enum(['sqlite', 'postgres', 'mysql']),
      schema: z.int().meta({ description: 'Number of the newest migration.' }),
    }),
  },
  refusals: databaseCodes,
  act: async ({ readiness }) => done(await readiness()),
  answer: ({ dialect, schema }) => jsonResponse(200, { status: 'ready', dialect, schema }),
})
