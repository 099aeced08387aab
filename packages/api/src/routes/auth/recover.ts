import * as z from 'zod'
import { emptyAnswer } from '../../answer.ts'
import { text } from '../../fields.ts'
import { definePublicRoute, jsonBody, noParameters } from '../../route.ts'
import { recover } from '../../services/recovery.ts'
import { refuseWithoutMail } from './contract.ts'

export const postRecover = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/recover',
  summary: 'Have a token for a new password mailed, where somebody has the address.',
  access: { kind: 'open' },
  scope: undefined,
  pathParameters: noParameters,
  query: noParameters,
  body: jsonBody(z.object({ email: text(1, 255) })),
  isIdempotent: false,
  isConditional: false,
  answers: { 202: null },
  refusals: ['not_found', 'rate_limited'],
  admit: refuseWithoutMail,
  async act(context, { body }) {
    const asked = await recover(context, body.email)
    return asked.ok ? emptyAnswer(202) : asked
  },
})
