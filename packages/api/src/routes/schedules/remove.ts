import { emptyAnswer } from '../../answer.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { removeSchedule } from '../../services/schedules.ts'
import { schedulePath } from './contract.ts'

export const deleteSchedule = defineRoute({
  method: 'DELETE',
  path: '/v1/schedules/{id}',
  summary: 'Delete a schedule; the executions that it started stay.',
  access: { kind: 'schedule', need: 'edit' },
  scope: 'write',
  pathParameters: schedulePath,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: true,
  answers: { 204: null },
  refusals: [],
  async act(context, { path, ifRevision }) {
    const removed = await removeSchedule(context, path.id, ifRevision)
    return removed.ok ? emptyAnswer() : removed
  },
})
