import { defineRoute } from '../../route.ts'
import { removeSchedule } from '../../services/schedules.ts'
import { schedulePath } from './contract.ts'

export const deleteSchedule = defineRoute({
  method: 'DELETE',
  path: '/v1/schedules/{id}',
  summary: 'Delete a schedule; the executions that it started stay.',
  access: { kind: 'schedule', need: 'edit' },
  scope: 'write',
  pathParameters: schedulePath,
  isConditional: true,
  answers: { 204: null },
  act: (context, { path, ifRevision }) => removeSchedule(context, path.id, ifRevision),
})
