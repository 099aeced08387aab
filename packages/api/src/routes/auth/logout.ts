import * as z from 'zod'
import { emptyAnswer } from '../../answer.ts'
import { definePublicRoute, jsonBody, noParameters } from '../../route.ts'
import { logout } from '../../services/sessions.ts'
import { refreshToken } from './contract.ts'

export const logOut = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/logout',
  summary: 'End the session of a refresh token.',
  access: { kind: 'open' },
  scope: undefined,
  pathParameters: noParameters,
  query: noParameters,
  body: jsonBody(z.object({ refreshToken })),
  isIdempotent: false,
  isConditional: false,
  answers: { 204: null },
  refusals: [],
  async act(context, { body }) {
    await logout(context, body.refreshToken)
    return emptyAnswer()
  },
})
