import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute, documentsBody, noParameters } from '../../route.ts'
import { createSchedule } from '../../services/schedules.ts'
import { workflowPath } from '../workflows/contract.ts'
import { createdAnswer, newSchedule, scheduleSchema } from './contract.ts'

export const postSchedule = defineRoute({
  method: 'POST',
  path: '/v1/workflows/{id}/schedules',
  summary: 'Make a schedule, which starts executions of the workflow at its times.',
  access: { kind: 'workflow', need: 'edit' },
  scope: 'write',
  pathParameters: workflowPath,
  query: noParameters,
  body: documentsBody(newSchedule, ['input']),
  isIdempotent: true,
  isConditional: false,
  answers: { 201: scheduleSchema },
  answerHeaders: ['Location'],
  refusals: [],
  async act(context, { path, body, idempotencyKey }) {
    const key = answeredWith(idempotencyKey, createdAnswer)
    const created = await createSchedule(context, path.id, body, key)
    return created.ok ? createdAnswer(created.value) : created
  },
})
