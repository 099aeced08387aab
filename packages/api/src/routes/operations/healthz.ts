import * as z from 'zod'
import { jsonResponse } from '../../response.ts'
import { done } from '../../result.ts'
import { definePublicRoute } from '../../route.ts'
import { version } from '../../version.ts'

export const getHealth = definePublicRoute({
  method: 'GET',
  path: '/healthz',
  summary: 'Whether the function runs; the database is not touched.',
  access: { kind: 'open' },
  scope: undefined,
  answers: { 200: z.object({ status: z.literal('ok'), version: z.string() }) },
  act: () => done(undefined),
  answer: healthResponse,
})

export function healthResponse() {
  return jsonResponse(200, { status: 'ok', version })
}
