import { defineRoute, noBody, noParameters } from '../../route.ts'
import { getSettings } from '../../services/user-settings.ts'
import { settingsAnswer, settingsSchema } from './contract.ts'

export const getUserSettings = defineRoute({
  method: 'GET',
  path: '/v1/settings',
  summary: "Read one's own settings; secrets are named, not shown.",
  access: { kind: 'user' },
  scope: 'read',
  pathParameters: noParameters,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: settingsSchema },
  refusals: [],
  async act(context) {
    const settings = await getSettings(context)
    return settings.ok ? settingsAnswer(settings.value) : settings
  },
})
