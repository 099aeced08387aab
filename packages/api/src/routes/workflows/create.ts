import { revisionAnswer } from '../../answer.ts'
import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute, documentsBody, noParameters } from '../../route.ts'
import { createWorkflows, type WorkflowViews } from '../../services/workflows.ts'
import { newWorkflow, workflowJson, workflowSchema } from './contract.ts'
import type { WorkflowView } from '@millrace/db/repositories/workflows/workflows'

export const postWorkflow = defineRoute({
  method: 'POST',
  path: '/v1/workflows',
  summary: 'Create a workflow; it is version 1.',
  access: { kind: 'user' },
  scope: 'write',
  pathParameters: noParameters,
  query: noParameters,
  body: documentsBody(newWorkflow, ['definition']),
  isIdempotent: true,
  isConditional: false,
  answers: { 201: workflowSchema },
  answerHeaders: ['Location'],
  refusals: [],
  async act(context, { body, idempotencyKey }) {
    const key = answeredWith(idempotencyKey, ([workflow]: WorkflowViews) => createdAnswer(workflow))
    const created = await createWorkflows(context, [body], key)
    return created.ok ? createdAnswer(created.value[0]) : created
  },
})

function createdAnswer(workflow: WorkflowView) {
  const location = `/v1/workflows/${encodeURIComponent(workflow.id)}`
  return revisionAnswer(201, workflowJson(workflow), { Location: location })
}
