import * as z from 'zod'
import { defineRoute, documentsBody, noParameters } from '../../route.ts'
import { patchSettings } from '../../services/user-settings.ts'
import { data, settingsAnswer, settingsSchema } from './contract.ts'

export const patchUserSettings = defineRoute({
  method: 'PATCH',
  path: '/v1/settings',
  summary: "Merge a patch (RFC 7396) into one's own settings.",
  access: { kind: 'user' },
  scope: 'write',
  pathParameters: noParameters,
  query: noParameters,
  body: documentsBody(z.object({ patch: data }), ['patch'], { secrets: ['patch'] }),
  isBodyDocument: true,
  isIdempotent: false,
  isConditional: false,
  mayBeConditional: true,
  answers: { 200: settingsSchema },
  refusals: ['precondition_failed'],
  async act(context, { body, ifRevision }) {
    const settings = await patchSettings(context, body.patch, ifRevision)
    return settings.ok ? settingsAnswer(settings.value) : settings
  },
})
