import * as z from 'zod'
import { jsonResponse } from '../../response.ts'
import { defineRoute, jsonBody } from '../../route.ts'
import { revealSecret } from '../../services/user-settings.ts'
import { parsePointer } from '../../user-settings/data-tree.ts'

const pointer = z
  .string()
  .refine((text) => parsePointer(text) !== undefined, { error: 'is no JSON pointer (RFC 6901)' })
  .meta({ format: 'json-pointer', description: "To a secret in the settings' data." })

export const postReveal = defineRoute({
  method: 'POST',
  path: '/v1/settings/reveal',
  summary: "Show a secret of one's own settings; each use is logged.",
  access: { kind: 'user' },
  scope: 'secrets',
  body: jsonBody(z.object({ pointer })),
  answers: { 200: z.object({ value: z.string() }) },
  refusals: ['not_found'],
  act: (context, { body }) => revealSecret(context, body.pointer),
  answer: (value) => jsonResponse(200, { value }),
})
