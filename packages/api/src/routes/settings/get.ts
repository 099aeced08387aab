import { defineRoute } from '../../route.ts'
import { getSettings } from '../../services/user-settings.ts'
import { settingsResponse, settingsSchema } from './contract.ts'

export const getUserSettings = defineRoute({
  method: 'GET',
  path: '/v1/settings',
  summary: "Read one's own settings; secrets are named, not shown.",
  access: { kind: 'user' },
  scope: 'read',
  answers: { 200: settingsSchema },
  act: (context) => getSettings(context),
  answer: settingsResponse,
})
