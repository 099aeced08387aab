import { revisionAnswer } from '../../answer.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { getSchedule as findSchedule } from '../../services/schedules.ts'
import { plannedScheduleSchema, scheduleJson, schedulePath } from './contract.ts'

export const getSchedule = defineRoute({
  method: 'GET',
  path: '/v1/schedules/{id}',
  summary: 'One schedule, with five of its times to come.',
  access: { kind: 'schedule', need: 'view' },
  scope: 'read',
  pathParameters: schedulePath,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: plannedScheduleSchema },
  refusals: [],
  async act(context, { path }) {
    const found = await findSchedule(context, path.id)
    if (!found.ok) return found
    const { schedule, next } = found.value
    return revisionAnswer(200, { ...scheduleJson(schedule), next })
  },
})
