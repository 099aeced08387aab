import * as z from 'zod'
import { defineRoute, documentsBody } from '../../route.ts'
import { patchSettings } from '../../services/user-settings.ts'
import { data, settingsResponse, settingsSchema } from './contract.ts'

export const patchUserSettings = defineRoute({
  method: 'PATCH',
  path: '/v1/settings',
  summary: "Merge a patch (RFC 7396) into one's own settings.",
  access: { kind: 'user' },
  scope: 'write',
  body: documentsBody(z.object({ patch: data }), ['patch'], { secrets: ['patch'] }),
  isBodyDocument: true,
  mayBeConditional: true,
  answers: { 200: settingsSchema },
  refusals: ['precondition_failed'],
  act: (context, { body, ifRevision }) => patchSettings(context, body.patch, ifRevision),
  answer: settingsResponse,
})
