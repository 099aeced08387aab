import { revisionAnswer, storedAnswer } from '../../answer.ts'
import { keptAnswer } from '../../request/idempotency.ts'
import { defineRoute, documentsBody, noParameters } from '../../route.ts'
import { createWorkflows, type Keeping } from '../../services/workflows.ts'
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
  refusals: [],
  async act(context, { body, idempotencyKey }) {
    const keeping: Keeping | undefined = idempotencyKey && {
      key: idempotencyKey,
      answerFor: ([workflow]) => storedAnswer(createdAnswer(workflow)),
    }
    const created = await createWorkflows(context, [body], keeping)
    if (created.ok) return createdAnswer(created.value[0])
    return 'kept' in created ? keptAnswer(created.kept) : created
  },
})

function createdAnswer(workflow: WorkflowView) {
  const location = `/v1/workflows/${encodeURIComponent(workflow.id)}`
  return revisionAnswer(201, workflowJson(workflow), { Location: location })
}
