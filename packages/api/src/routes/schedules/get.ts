import { revisionResponse } from '../../response.ts'
import { defineRoute } from '../../route.ts'
import { getSchedule as findSchedule } from '../../services/schedules.ts'
import { plannedScheduleSchema, scheduleJson, schedulePath } from './contract.ts'

export const getSchedule = defineRoute({
  method: 'GET',
  path: '/v1/schedules/{id}',
  summary: 'One schedule, with five of its times to come.',
  access: { kind: 'schedule', need: 'view' },
  scope: 'read',
  pathParameters: schedulePath,
  answers: { 200: plannedScheduleSchema },
  act: (context, { path }) => findSchedule(context, path.id),
  answer: ({ schedule, next }) => revisionResponse(200, { ...scheduleJson(schedule), next }),
})
