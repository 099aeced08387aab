import type { WorkflowView } from '@millrace/db/repositories/workflows/workflows'
import * as z from 'zod'
import { revisionAnswer } from '../../answer.ts'
import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute, jsonBody, noParameters } from '../../route.ts'
import { checkVersions, restoreVersion } from '../../services/versions.ts'
import { changeNotes, workflowJson, workflowSchema } from '../workflows/contract.ts'
import { versionPath } from './contract.ts'

export const postRestoration = defineRoute({
  method: 'POST',
  path: '/v1/workflows/{id}/versions/{n}/restore',
  summary: "Make an old version's definition the next version.",
  access: { kind: 'workflow', need: 'edit' },
  scope: 'write',
  pathParameters: versionPath,
  query: noParameters,
  body: jsonBody(z.object({ changeNotes: changeNotes.optional() }), { isOptional: true }),
  isIdempotent: true,
  isConditional: true,
  answers: { 200: workflowSchema },
  refusals: [],
  find: (context, { id, n }) => checkVersions(context, id, { from: n, to: n }, 'edit'),
  async act(context, { path, body, ifRevision, idempotencyKey }) {
    const restoring = { workflowId: path.id, versionNumber: path.n, changeNotes: body.changeNotes ?? null, ifRevision }
    const key = answeredWith(idempotencyKey, restoredAnswer)
    const restored = await restoreVersion(context, restoring, key)
    return restored.ok ? restoredAnswer(restored.value) : restored
  },
})

function restoredAnswer(workflow: WorkflowView) {
  return revisionAnswer(200, workflowJson(workflow))
}
