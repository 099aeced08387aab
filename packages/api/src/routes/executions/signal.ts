import * as z from 'zod'
import type { Json } from '../../json.ts'
import { headedAs } from '../../request/idempotency.ts'
import { jsonResponse } from '../../response.ts'
import { defineRoute, documentsBody } from '../../route.ts'
import { sendSignal } from '../../services/signals.ts'
import { executionPath, value } from './contract.ts'
import { signalName } from './entries.ts'

const newSignal = z.object({
  name: signalName,
  payload: value.optional().meta({ description: 'Any JSON value; kept as its exact text.' }),
})

const sentResponse = (sent: Json) => jsonResponse(202, sent)

export const postSignal = defineRoute({
  method: 'POST',
  path: '/v1/executions/{id}/signals',
  summary: 'Send an unfinished execution a signal; one that waits for it becomes pending, due now.',
  access: { kind: 'execution', need: 'execute' },
  scope: 'write',
  pathParameters: executionPath,
  body: documentsBody(newSignal, ['payload']),
  isIdempotent: true,
  answers: { 202: z.object({ seq: z.int() }) },
  refusals: ['invalid_transition'],
  act: (context, { path, body, idempotencyKey }) =>
    sendSignal(context, path.id, body, headedAs(idempotencyKey, sentResponse(null))),
  answer: ({ seq }) => sentResponse({ seq }),
})
