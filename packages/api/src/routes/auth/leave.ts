import * as z from 'zod'
import { emptyAnswer } from '../../answer.ts'
import { defineRoute, jsonBody, noParameters } from '../../route.ts'
import { leave } from '../../services/passwords.ts'
import { givenPassword } from './contract.ts'

export const deleteMe = defineRoute({
  method: 'DELETE',
  path: '/v1/auth/me',
  summary: 'Leave: delete the account, which may own no workflows.',
  access: { kind: 'user' },
  scope: 'account',
  pathParameters: noParameters,
  query: noParameters,
  body: jsonBody(z.object({ password: givenPassword })),
  isIdempotent: false,
  isConditional: false,
  answers: { 204: null },
  refusals: ['invalid_credentials', 'rate_limited', 'account_in_use'],
  async act(context, { body, device }) {
    const left = await leave(context, { password: body.password, network: device.network })
    return left.ok ? emptyAnswer() : left
  },
})
