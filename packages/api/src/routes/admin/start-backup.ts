import { jsonAnswer } from '../../answer.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { startBackup } from '../../services/backups.ts'
import { backupJson, backupSchema } from './backup.ts'

export const postBackup = defineRoute({
  method: 'POST',
  path: '/v1/admin/backups',
  summary: 'Start a backup; where one is under way, that one is answered.',
  access: { kind: 'admin' },
  scope: 'admin',
  pathParameters: noParameters,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 202: backupSchema },
  refusals: ['forbidden', 'not_found'],
  async act(context) {
    const started = await startBackup(context)
    return started.ok ? jsonAnswer(202, backupJson(started.value)) : started
  },
})
