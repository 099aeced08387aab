import { defineRoute } from '../../route.ts'
import { getAccount } from '../../services/accounts.ts'
import { userResponse, userSchema } from './contract.ts'

export const getMe = defineRoute({
  method: 'GET',
  path: '/v1/auth/me',
  summary: 'Who the caller is.',
  access: { kind: 'user' },
  scope: 'read',
  answers: { 200: userSchema },
  act: (context) => getAccount(context),
  answer: userResponse,
})
