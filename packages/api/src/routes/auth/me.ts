import { defineRoute, noBody, noParameters } from '../../route.ts'
import { getAccount } from '../../services/accounts.ts'
import { userAnswer, userSchema } from './contract.ts'

export const getMe = defineRoute({
  method: 'GET',
  path: '/v1/auth/me',
  summary: 'Who the caller is.',
  access: { kind: 'user' },
  scope: 'read',
  pathParameters: noParameters,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: userSchema },
  refusals: [],
  async act(context) {
    const user = await getAccount(context)
    return user.ok ? userAnswer(user.value) : user
  },
})
