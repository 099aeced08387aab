import { jsonResponse } from '../../response.ts'
import { defineRoute } from '../../route.ts'
import { startBackup } from '../../services/backups.ts'
import { backupJson, backupSchema } from './backup.ts'

export const postBackup = defineRoute({
  method: 'POST',
  path: '/v1/admin/backups',
  summary: 'Start a backup; where one is under way, that one is answered.',
  access: { kind: 'admin' },
  scope: 'admin',
  answers: { 202: backupSchema },
  refusals: ['forbidden', 'not_found'],
  act: (context) => startBackup(context),
  answer: (started) => jsonResponse(202, backupJson(started)),
})
