import type { DocumentText } from '@millrace/db/document'
import * as z from 'zod'
import { revisionResponse, type TextResponse } from '../../response.ts'
import { instant } from '../../fields.ts'
import { ExactJson } from '../../json.ts'
import type { SettingsView } from '../../services/user-settings.ts'
import { writeShown } from '../../user-settings/stored.ts'

/** Any JSON object, kept as its text and opaque here. */
export const data = z
  .custom<DocumentText>((value) => typeof value === 'string' && value.startsWith('{'), {
    error: 'must be a JSON object',
  })
  .meta({ type: 'object' })

export const settingsSchema = z
  .object({
    data: z.record(z.string(), z.unknown()).meta({
      description: 'A secret in it is `{ "$secret": { "hint", "ref" } }`; sent back so, it is kept.',
    }),
    revision: z.int().meta({ description: '0 when never written.' }),
    createdAt: instant.nullable(),
    updatedAt: instant.nullable(),
  })
  .meta({ id: 'Settings' })

export function settingsResponse({ data: tree, revision, createdAt, updatedAt }: SettingsView): TextResponse {
  return revisionResponse(200, { data: new ExactJson(writeShown(tree)), revision, createdAt, updatedAt })
}
