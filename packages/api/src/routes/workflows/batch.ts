import * as z from 'zod'
import { documentedAs } from '../../documented-as.ts'
import { jsonResponse } from '../../response.ts'
import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute, documentsListBody } from '../../route.ts'
import { createWorkflows, type WorkflowViews } from '../../services/workflows.ts'
import { newWorkflow, workflowJson, workflowSchema } from './contract.ts'

const mostItems = 100

const item = z.strictObject(newWorkflow.shape)
const itemCount = { error: `must have 1 to ${mostItems} items` }

const newWorkflows = z.object({
  items: z
    // They are looked at after they are counted, so that the document has to be told what they are.
    .array(documentedAs(item), { error: 'must be a list of workflows' })
    .min(1, itemCount)
    .max(mostItems, itemCount)
    .pipe(z.tuple([item], item)),
})

export const postWorkflows = defineRoute({
  method: 'POST',
  path: '/v1/workflows/batch',
  summary: 'Create up to 100 workflows, all or none.',
  access: { kind: 'user' },
  scope: 'write',
  body: documentsListBody(newWorkflows, { field: 'items', mostItems }, ['definition']),
  isIdempotent: true,
  answers: { 201: z.object({ items: z.array(workflowSchema) }) },
  act: (context, { body, idempotencyKey }) =>
    createWorkflows(context, body.items, answeredWith(idempotencyKey, createdResponse)),
  answer: createdResponse,
})

/** In the order of the request. */
function createdResponse(workflows: WorkflowViews) {
  return jsonResponse(201, { items: workflows.map(workflowJson) })
}
