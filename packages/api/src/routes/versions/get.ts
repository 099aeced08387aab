import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { id } from '../../fields.ts'
import { ExactJson } from '../../json.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { getVersion as findVersion } from '../../services/versions.ts'
import { versionNumber, versionSchema, versionSummaryJson } from './contract.ts'

export const getVersion = defineRoute({
  method: 'GET',
  path: '/v1/workflows/{id}/versions/{n}',
  summary: 'Read a version with its definition.',
  access: { kind: 'workflow', need: 'view' },
  scope: 'read',
  pathParameters: z.object({ id, n: versionNumber }),
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: versionSchema },
  refusals: [],
  async act(context, { path }) {
    const version = await findVersion(context, path.id, path.n)
    if (!version.ok) return version
    const definition = new ExactJson(version.value.definition)
    return jsonAnswer(200, { ...versionSummaryJson(version.value), definition })
  },
})
