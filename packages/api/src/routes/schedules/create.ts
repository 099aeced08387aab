import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute, documentsBody } from '../../route.ts'
import { createSchedule } from '../../services/schedules.ts'
import { workflowPath } from '../workflows/contract.ts'
import { createdResponse, newSchedule, scheduleSchema } from './contract.ts'

export const postSchedule = defineRoute({
  method: 'POST',
  path: '/v1/workflows/{id}/schedules',
  summary: 'Make a schedule, which starts executions of the workflow at its times.',
  access: { kind: 'workflow', need: 'edit' },
  scope: 'write',
  pathParameters: workflowPath,
  body: documentsBody(newSchedule, ['input']),
  isIdempotent: true,
  answers: { 201: scheduleSchema },
  answerHeaders: ['Location'],
  act: (context, { path, body, idempotencyKey }) =>
    createSchedule(context, path.id, body, answeredWith(idempotencyKey, createdResponse)),
  answer: createdResponse,
})
