import * as z from 'zod'
import { revisionResponse } from '../../response.ts'
import { defineRoute, documentsBody } from '../../route.ts'
import { updateWorkflow } from '../../services/workflows.ts'
import { changeNotes, definition, description, name, workflowJson, workflowPath, workflowSchema } from './contract.ts'

const workflowChange = z
  .object({
    name: name.optional(),
    description: description.optional(),
    definition: definition.optional(),
    isPublic: z.boolean().optional(),
    changeNotes: changeNotes.optional(),
  })
  .refine((change) => change.changeNotes === undefined || change.definition !== undefined, {
    path: ['changeNotes'],
    error: 'belongs to a new version: send it together with a definition',
  })

export const patchWorkflow = defineRoute({
  method: 'PATCH',
  path: '/v1/workflows/{id}',
  summary: 'Change a workflow; a definition whose text differs makes the next version.',
  access: {
    kind: 'workflow',
    need: 'edit',
    needFor: (members) => (members.has('isPublic') ? 'owner' : 'edit'),
  },
  scope: 'write',
  pathParameters: workflowPath,
  body: documentsBody(workflowChange, ['definition']),
  isConditional: true,
  answers: { 200: workflowSchema },
  act: (context, { path, body, ifRevision }) => updateWorkflow(context, path.id, body, ifRevision),
  answer: (workflow) => revisionResponse(200, workflowJson(workflow)),
})
