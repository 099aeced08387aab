import * as z from 'zod'
import { text } from '../../fields.ts'
import { definePublicRoute, jsonBody } from '../../route.ts'
import { reset } from '../../services/recovery.ts'
import { newPassword, refuseWithoutMail } from './contract.ts'

export const postReset = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/reset',
  summary: 'Set a new password with a token that was mailed; every session ends.',
  access: { kind: 'open', checksToken: true },
  scope: undefined,
  body: jsonBody(z.object({ token: text(1, 1024), newPassword })),
  answers: { 204: null },
  refusals: [
    'unauthenticated',
    'token_expired',
    'account_disabled',
    'not_found',
    'invalid_credentials',
    'rate_limited',
  ],
  admit: refuseWithoutMail,
  act: (context, { body }) => reset(context, body),
})
