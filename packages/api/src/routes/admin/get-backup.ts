import * as z from 'zod'
import { digestField } from '../../digest-field.ts'
import { text } from '../../fields.ts'
import { defineRoute } from '../../route.ts'
import { checkBackup, openBackup } from '../../services/backups.ts'

export const getBackup = defineRoute({
  method: 'GET',
  path: '/v1/admin/backups/{name}',
  summary: 'The archive of a scheduled backup, as a stream.',
  access: { kind: 'admin' },
  scope: 'admin',
  pathParameters: z.object({
    name: text(1, 255)
      // MySQL would leave the space out of the comparison.
      .refine((name) => !name.endsWith(' '), { error: 'must not end in a space' })
      .meta({ description: 'Or `latest`: the newest that was verified.' }),
  }),
  answers: { 200: z.string() },
  answerType: 'application/octet-stream',
  answerHeaders: ['Content-Disposition', 'Content-Length', 'Repr-Digest'],
  refusals: ['forbidden', 'not_found'],
  find: (context, { name }) => checkBackup(context, name),
  act: (context, { path }) => openBackup(context, path.name),
  answer: ({ name, bytes, sha256, stream }) => ({
    ok: true,
    status: 200,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(bytes),
      'Content-Disposition': `attachment; filename="${name}.millrace"`,
      ...(sha256 === null ? {} : { 'Repr-Digest': digestField(sha256) }),
    },
    body: stream,
  }),
})
