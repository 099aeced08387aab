import * as z from 'zod'
import { defineRoute, jsonBody } from '../../route.ts'
import { changePassword } from '../../services/passwords.ts'
import { givenPassword, newPassword } from './contract.ts'

export const postPassword = defineRoute({
  method: 'POST',
  path: '/v1/auth/password',
  summary: 'Change the password; every session and access token from before ends.',
  access: { kind: 'user' },
  scope: 'account',
  body: jsonBody(z.object({ currentPassword: givenPassword, newPassword, endApiKeys: z.boolean().optional() })),
  answers: { 204: null },
  refusals: ['invalid_credentials', 'rate_limited'],
  act(context, { body, device }) {
    const { currentPassword, newPassword: wanted, endApiKeys = false } = body
    const change = { currentPassword, newPassword: wanted, endsApiKeys: endApiKeys, network: device.network }
    return changePassword(context, change)
  },
})
