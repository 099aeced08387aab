import * as z from 'zod'
import { refuse } from '../../result.ts'
import { definePublicRoute, jsonBody, noParameters } from '../../route.ts'
import { register } from '../../services/accounts.ts'
import { email, loggedInAnswer, loggedInSchema, newPassword, username } from './contract.ts'

export const registerAccount = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/register',
  summary: 'Make an account and log in.',
  access: { kind: 'open' },
  scope: undefined,
  pathParameters: noParameters,
  query: noParameters,
  body: jsonBody(z.object({ username, email, password: newPassword })),
  isIdempotent: false,
  isConditional: false,
  answers: { 201: loggedInSchema },
  refusals: ['registration_closed', 'username_taken', 'email_taken', 'rate_limited'],
  admit: ({ settings }) => (settings.registration === 'closed' ? refuse('registration_closed') : undefined),
  async act(context, { body, device }) {
    const registered = await register(context, { ...body, ...device })
    return registered.ok ? loggedInAnswer(context, 201, registered.value) : registered
  },
})
