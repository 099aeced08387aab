import * as z from 'zod'
import { definePublicRoute, jsonBody } from '../../route.ts'
import { logout } from '../../services/sessions.ts'
import { refreshToken } from './contract.ts'

export const logOut = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/logout',
  summary: 'End the session of a refresh token.',
  access: { kind: 'open' },
  scope: undefined,
  body: jsonBody(z.object({ refreshToken })),
  answers: { 204: null },
  act: (context, { body }) => logout(context, body.refreshToken),
})
