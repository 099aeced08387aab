import { revisionAnswer } from '../../answer.ts'
import { defineRoute, documentsBody, noParameters } from '../../route.ts'
import { changeSchedule } from '../../services/schedules.ts'
import { scheduleChange, scheduleJson, schedulePath, scheduleSchema } from './contract.ts'

export const patchSchedule = defineRoute({
  method: 'PATCH',
  path: '/v1/schedules/{id}',
  summary: 'Change a schedule; other times count from now on.',
  access: { kind: 'schedule', need: 'edit' },
  scope: 'write',
  pathParameters: schedulePath,
  query: noParameters,
  body: documentsBody(scheduleChange, ['input']),
  isIdempotent: false,
  isConditional: true,
  answers: { 200: scheduleSchema },
  refusals: [],
  async act(context, { path, body, ifRevision }) {
    const changed = await changeSchedule(context, path.id, body, ifRevision)
    return changed.ok ? revisionAnswer(200, scheduleJson(changed.value)) : changed
  },
})
