import * as z from 'zod'
import { emptyResponse } from '../../response.ts'
import { text } from '../../fields.ts'
import { definePublicRoute, jsonBody } from '../../route.ts'
import { recover } from '../../services/recovery.ts'
import { refuseWithoutMail } from './contract.ts'

export const postRecover = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/recover',
  summary: 'Have a token for a new password mailed, where somebody has the address.',
  access: { kind: 'open', checksToken: true },
  scope: undefined,
  body: jsonBody(z.object({ email: text(1, 255) })),
  answers: { 202: null },
  refusals: ['unauthenticated', 'token_expired', 'account_disabled', 'not_found', 'rate_limited'],
  admit: refuseWithoutMail,
  act: (context, { body }) => recover(context, body.email),
  answer: () => emptyResponse(202),
})
