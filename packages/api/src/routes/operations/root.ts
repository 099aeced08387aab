import * as z from 'zod'
import { jsonResponse } from '../../response.ts'
import { done } from '../../result.ts'
import { definePublicRoute } from '../../route.ts'
import { version } from '../../version.ts'

export const getRoot = definePublicRoute({
  method: 'GET',
  path: '/',
  summary: 'Where things are.',
  access: { kind: 'open' },
  scope: undefined,
  answers: {
    200: z.object({
      name: z.string(),
      version: z.string(),
      api: z.string(),
      health: z.string(),
      readiness: z.string(),
      openapi: z.string(),
      docs: z.string(),
    }),
  },
  act: () =>
    done({
      name: 'millrace',
      version,
      api: '/v1',
      health: '/healthz',
      readiness: '/readyz',
      openapi: '/openapi.json',
      docs: '/docs',
    }),
  answer: (places) => jsonResponse(200, places),
})
