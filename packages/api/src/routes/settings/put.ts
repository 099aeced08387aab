import * as z from 'zod'
import { defineRoute, documentsBody } from '../../route.ts'
import { putSettings } from '../../services/user-settings.ts'
import { data, settingsResponse, settingsSchema } from './contract.ts'

export const putUserSettings = defineRoute({
  method: 'PUT',
  path: '/v1/settings',
  summary: "Replace one's own settings; a secret that is sent back by its ref is kept.",
  access: { kind: 'user' },
  scope: 'write',
  body: documentsBody(z.object({ data }), ['data'], { secrets: ['data'] }),
  mayBeConditional: true,
  answers: { 200: settingsSchema },
  refusals: ['precondition_failed'],
  act: (context, { body, ifRevision }) => putSettings(context, body.data, ifRevision),
  answer: settingsResponse,
})
