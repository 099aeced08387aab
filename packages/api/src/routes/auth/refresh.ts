import * as z from 'zod'
import { definePublicRoute, jsonBody } from '../../route.ts'
import { refresh } from '../../services/sessions.ts'
import { loggedInResponse, loggedInSchema, refreshToken } from './contract.ts'

export const refreshTokens = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/refresh',
  summary: 'Get a new pair of tokens; the refresh token works once.',
  access: { kind: 'open' },
  scope: undefined,
  body: jsonBody(z.object({ refreshToken })),
  answers: { 200: loggedInSchema },
  refusals: ['unauthenticated', 'token_expired', 'token_reused', 'account_disabled'],
  act: (context, { body, device }) => refresh(context, { ...body, userAgent: device.userAgent }),
  answer: (loggedIn, context) => loggedInResponse(context, 200, loggedIn),
})
