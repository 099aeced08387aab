import * as z from 'zod'
import { text } from '../../fields.ts'
import { definePublicRoute, jsonBody } from '../../route.ts'
import { login } from '../../services/accounts.ts'
import { loggedInResponse, loggedInSchema } from './contract.ts'

export const logIn = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/login',
  summary: 'Log in with a username or an email.',
  access: { kind: 'open' },
  scope: undefined,
  body: jsonBody(z.object({ username: text(1, 255), password: text(1, 1024) })),
  answers: { 200: loggedInSchema },
  refusals: ['invalid_credentials', 'account_disabled', 'rate_limited'],
  act: (context, { body, device }) => login(context, { ...body, ...device }),
  answer: (loggedIn, context) => loggedInResponse(context, 200, loggedIn),
})
