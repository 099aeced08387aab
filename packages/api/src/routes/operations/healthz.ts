import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { definePublicRoute, noBody, noParameters } from '../../route.ts'
import { version } from '../../version.ts'

export const getHealth = definePublicRoute({
  method: 'GET',
  path: '/healthz',
  summary: 'Whether the function runs; the database is not touched.',
  access: { kind: 'open' },
  scope: undefined,
  pathParameters: noParameters,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: z.object({ status: z.literal('ok'), version: z.string() }) },
  refusals: [],
  act: () => Promise.resolve(healthAnswer()),
})

export function healthAnswer() {
  return jsonAnswer(200, { status: 'ok', version })
}
