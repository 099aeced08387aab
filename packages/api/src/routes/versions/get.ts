import { jsonResponse } from '../../response.ts'
import { ExactJson } from '../../json.ts'
import { definePublicRoute } from '../../route.ts'
import { checkVersions, getVersion as findVersion } from '../../services/versions.ts'
import { versionPath, versionSchema, versionSummaryJson } from './contract.ts'

export const getVersion = definePublicRoute({
  method: 'GET',
  path: '/v1/workflows/{id}/versions/{n}',
  summary: 'Read a version with its definition.',
  access: { kind: 'workflow', need: 'view' },
  scope: 'read',
  pathParameters: versionPath,
  answers: { 200: versionSchema },
  find: (context, { id, n }) => checkVersions(context, id, { from: n, to: n }, 'view'),
  act: (context, { path }) => findVersion(context, path.id, path.n),
  answer: (version) =>
    jsonResponse(200, { ...versionSummaryJson(version), definition: new ExactJson(version.definition) }),
})
