import { revisionResponse } from '../../response.ts'
import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute, documentsBody } from '../../route.ts'
import { createWorkflows, type WorkflowViews } from '../../services/workflows.ts'
import { newWorkflow, workflowJson, workflowSchema } from './contract.ts'

export const postWorkflow = defineRoute({
  method: 'POST',
  path: '/v1/workflows',
  summary: 'Create a workflow; it is version 1.',
  access: { kind: 'user' },
  scope: 'write',
  body: documentsBody(newWorkflow, ['definition']),
  isIdempotent: true,
  answers: { 201: workflowSchema },
  answerHeaders: ['Location'],
  act: (context, { body, idempotencyKey }) =>
    createWorkflows(context, [body], answeredWith(idempotencyKey, createdResponse)),
  answer: createdResponse,
})

function createdResponse([workflow]: WorkflowViews) {
  const location = `/v1/workflows/${encodeURIComponent(workflow.id)}`
  return revisionResponse(201, workflowJson(workflow), { Location: location })
}
