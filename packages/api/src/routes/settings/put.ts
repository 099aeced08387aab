import * as z from 'zod'
import { defineRoute, documentsBody, noParameters } from '../../route.ts'
import { putSettings } from '../../services/user-settings.ts'
import { data, settingsAnswer, settingsSchema } from './contract.ts'

export const putUserSettings = defineRoute({
  method: 'PUT',
  path: '/v1/settings',
  summary: "Replace one's own settings; a secret that is sent back by its ref is kept.",
  access: { kind: 'user' },
  scope: 'write',
  pathParameters: noParameters,
  query: noParameters,
  body: documentsBody(z.object({ data }), ['data'], { secrets: ['data'] }),
  isIdempotent: false,
  isConditional: false,
  mayBeConditional: true,
  answers: { 200: settingsSchema },
  refusals: ['precondition_failed'],
  async act(context, { body, ifRevision }) {
    const settings = await putSettings(context, body.data, ifRevision)
    return settings.ok ? settingsAnswer(settings.value) : settings
  },
})
