import { jsonAnswer } from '../../answer.ts'
import { ExactJson } from '../../json.ts'
import { definePublicRoute, noBody, noParameters } from '../../route.ts'
import { checkVersions, getVersion as findVersion } from '../../services/versions.ts'
import { versionPath, versionSchema, versionSummaryJson } from './contract.ts'

export const getVersion = definePublicRoute({
  method: 'GET',
  path: '/v1/workflows/{id}/versions/{n}',
  summary: 'Read a version with its definition.',
  access: { kind: 'workflow', need: 'view' },
  scope: 'read',
  pathParameters: versionPath,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: versionSchema },
  refusals: [],
  find: (context, { id, n }) => checkVersions(context, id, { from: n, to: n }, 'view'),
  async act(context, { path }) {
    const version = await findVersion(context, path.id, path.n)
    if (!version.ok) return version
    const definition = new ExactJson(version.value.definition)
    return jsonAnswer(200, { ...versionSummaryJson(version.value), definition })
  },
})
