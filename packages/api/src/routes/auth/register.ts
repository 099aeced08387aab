import * as z from 'zod'
import { refuse } from '../../result.ts'
import { definePublicRoute, jsonBody } from '../../route.ts'
import { register } from '../../services/accounts.ts'
import { email, loggedInResponse, loggedInSchema, newPassword, username } from './contract.ts'

export const registerAccount = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/register',
  summary: 'Make an account and log in.',
  access: { kind: 'open' },
  scope: undefined,
  body: jsonBody(z.object({ username, email, password: newPassword })),
  answers: { 201: loggedInSchema },
  refusals: ['registration_closed', 'username_taken', 'email_taken', 'rate_limited'],
  admit: ({ settings }) => (settings.registration === 'closed' ? refuse('registration_closed') : undefined),
  act: (context, { body, device }) => register(context, { ...body, ...device }),
  answer: (loggedIn, context) => loggedInResponse(context, 201, loggedIn),
})
