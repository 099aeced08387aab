import { revisionResponse } from '../../response.ts'
import { defineRoute, documentsBody } from '../../route.ts'
import { changeSchedule } from '../../services/schedules.ts'
import { scheduleChange, scheduleJson, schedulePath, scheduleSchema } from './contract.ts'

export const patchSchedule = defineRoute({
  method: 'PATCH',
  path: '/v1/schedules/{id}',
  summary: 'Change a schedule; other times count from now on.',
  access: { kind: 'schedule', need: 'edit' },
  scope: 'write',
  pathParameters: schedulePath,
  body: documentsBody(scheduleChange, ['input']),
  isConditional: true,
  answers: { 200: scheduleSchema },
  act: (context, { path, body, ifRevision }) => changeSchedule(context, path.id, body, ifRevision),
  answer: (changed) => revisionResponse(200, scheduleJson(changed)),
})
