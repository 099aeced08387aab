import * as z from 'zod'
import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute, documentsBody } from '../../route.ts'
import { createExecution } from '../../services/executions.ts'
import { workflowPath } from '../workflows/contract.ts'
import { createdResponse, dueAt, executionSchema, input } from './contract.ts'

const newExecution = z.object({
  input: input.optional(),
  dueAt: dueAt.optional().meta({ description: 'Not to be claimed before; at once when absent.' }),
  maxAttempts: z.int().min(1).max(100).optional().meta({ description: '3 when absent.' }),
})

export const postExecution = defineRoute({
  method: 'POST',
  path: '/v1/workflows/{id}/executions',
  summary: 'Start an execution of the newest version; it is pending until a worker claims it.',
  access: { kind: 'workflow', need: 'execute' },
  scope: 'write',
  pathParameters: workflowPath,
  body: documentsBody(newExecution, ['input'], { isOptional: true }),
  isIdempotent: true,
  answers: { 201: executionSchema },
  answerHeaders: ['Location'],
  act: (context, { path, body, idempotencyKey }) =>
    createExecution(context, { workflowId: path.id, ...body }, answeredWith(idempotencyKey, createdResponse)),
  answer: createdResponse,
})
