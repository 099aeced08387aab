import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { defineRoute, documentsBody, noParameters } from '../../route.ts'
import { sendSignal } from '../../services/signals.ts'
import { executionPath, value } from './contract.ts'
import { signalName } from './entries.ts'

const newSignal = z.object({
  name: signalName,
  payload: value.optional().meta({ description: 'Any JSON value; kept as its exact text.' }),
})

export const postSignal = defineRoute({
  method: 'POST',
  path: '/v1/executions/{id}/signals',
  summary: 'Send an unfinished execution a signal; one that waits for it becomes pending, due now.',
  access: { kind: 'execution', need: 'execute' },
  scope: 'write',
  pathParameters: executionPath,
  query: noParameters,
  body: documentsBody(newSignal, ['payload']),
  isIdempotent: true,
  isConditional: false,
  answers: { 202: z.object({ seq: z.int() }) },
  refusals: ['invalid_transition'],
  async act(context, { path, body, idempotencyKey }) {
    const sent = await sendSignal(context, path.id, body, idempotencyKey)
    return sent.ok ? jsonAnswer(202, { seq: sent.value.seq }) : sent
  },
})
