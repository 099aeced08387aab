import * as z from 'zod'
import { defineRoute, jsonBody } from '../../route.ts'
import { leave } from '../../services/passwords.ts'
import { givenPassword } from './contract.ts'

export const deleteMe = defineRoute({
  method: 'DELETE',
  path: '/v1/auth/me',
  summary: 'Leave: delete the account, which may own no workflows.',
  access: { kind: 'user' },
  scope: 'account',
  body: jsonBody(z.object({ password: givenPassword })),
  answers: { 204: null },
  refusals: ['invalid_credentials', 'rate_limited', 'account_in_use'],
  act: (context, { body, device }) => leave(context, { password: body.password, network: device.network }),
})
