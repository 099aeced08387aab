import * as z from 'zod'
import { text } from '../../fields.ts'
import { definePublicRoute, jsonBody, noParameters } from '../../route.ts'
import { login } from '../../services/accounts.ts'
import { loggedInAnswer, loggedInSchema } from './contract.ts'

export const logIn = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/login',
  summary: 'Log in with a username or an email.',
  access: { kind: 'open' },
  scope: undefined,
  pathParameters: noParameters,
  query: noParameters,
  body: jsonBody(z.object({ username: text(1, 255), password: text(1, 1024) })),
  isIdempotent: false,
  isConditional: false,
  answers: { 200: loggedInSchema },
  refusals: ['invalid_credentials', 'account_disabled', 'rate_limited'],
  async act(context, { body, device }) {
    const loggedIn = await login(context, { ...body, ...device })
    return loggedIn.ok ? loggedInAnswer(context, 200, loggedIn.value) : loggedIn
  },
})
