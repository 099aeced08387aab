import * as z from 'zod'
import { definePublicRoute, jsonBody, noParameters } from '../../route.ts'
import { refresh } from '../../services/sessions.ts'
import { loggedInAnswer, loggedInSchema, refreshToken } from './contract.ts'

export const refreshTokens = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/refresh',
  summary: 'Get a new pair of tokens; the refresh token works once.',
  access: { kind: 'open' },
  scope: undefined,
  pathParameters: noParameters,
  query: noParameters,
  body: jsonBody(z.object({ refreshToken })),
  isIdempotent: false,
  isConditional: false,
  answers: { 200: loggedInSchema },
  refusals: ['unauthenticated', 'token_expired', 'token_reused', 'account_disabled'],
  async act(context, { body, device }) {
    const loggedIn = await refresh(context, { ...body, userAgent: device.userAgent })
    return loggedIn.ok ? loggedInAnswer(context, 200, loggedIn.value) : loggedIn
  },
})
