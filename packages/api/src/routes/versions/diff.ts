import * as z from 'zod'
import { jsonResponse } from '../../response.ts'
import { id } from '../../fields.ts'
import { ExactJson } from '../../json.ts'
import { definePublicRoute } from '../../route.ts'
import { checkVersions, compareVersions } from '../../services/versions.ts'
import { versionNumber } from './contract.ts'

const operation = z.object({
  op: z.enum(['add', 'remove', 'replace']),
  path: z.string().meta({ description: 'A JSON Pointer (RFC 6901).' }),
  value: z.unknown().optional(),
})

export const getDifference = definePublicRoute({
  method: 'GET',
  path: '/v1/workflows/{id}/versions/{a}/diff/{b}',
  summary: 'The JSON Patch (RFC 6902) that turns version a into version b.',
  access: { kind: 'workflow', need: 'view' },
  scope: 'read',
  pathParameters: z.object({ id, a: versionNumber, b: versionNumber }),
  answers: { 200: z.object({ from: z.int(), to: z.int(), patch: z.array(operation) }) },
  find: (context, { id: workflowId, a, b }) => checkVersions(context, workflowId, { from: a, to: b }, 'view'),
  act: (context, { path: { id: workflowId, a: from, b: to } }) => compareVersions(context, workflowId, { from, to }),
  answer: ({ from, to, patch }) => jsonResponse(200, { from, to, patch: new ExactJson(patch) }),
})
