import type { WorkflowView } from '@millrace/db/repositories/workflows/workflows'
import * as z from 'zod'
import { revisionResponse } from '../../response.ts'
import { answeredWith } from '../../request/idempotency.ts'
import { defineRoute, jsonBody } from '../../route.ts'
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
  body: jsonBody(z.object({ changeNotes: changeNotes.optional() }), { isOptional: true }),
  isIdempotent: true,
  isConditional: true,
  answers: { 200: workflowSchema },
  find: (context, { id, n }) => checkVersions(context, id, { from: n, to: n }, 'edit'),
  act(context, { path, body, ifRevision, idempotencyKey }) {
    const restoring = { workflowId: path.id, versionNumber: path.n, changeNotes: body.changeNotes ?? null, ifRevision }
    return restoreVersion(context, restoring, answeredWith(idempotencyKey, restoredResponse))
  },
  answer: restoredResponse,
})

function restoredResponse(workflow: WorkflowView) {
  return revisionResponse(200, workflowJson(workflow))
}
