import * as z from 'zod'
import { jsonResponse } from '../../response.ts'
import { instant } from '../../fields.ts'
import { defineRoute, jsonBody } from '../../route.ts'
import { renewLease } from '../../services/executions.ts'
import { executionPath, fence, leaseSeconds } from './contract.ts'

const heartbeatBody = z.object({
  fence,
  leaseSeconds: leaseSeconds.optional().meta({ description: 'From now on; 60 when absent.' }),
})

export const postHeartbeat = defineRoute({
  method: 'POST',
  path: '/v1/executions/{id}/heartbeat',
  summary: 'Renew the lease on a claimed execution.',
  access: { kind: 'execution', need: 'owner' },
  scope: 'worker',
  pathParameters: executionPath,
  body: jsonBody(heartbeatBody),
  answers: { 200: z.object({ leaseUntil: instant }) },
  refusals: ['fence_stale', 'invalid_transition'],
  act: (context, { path, body }) => renewLease(context, path.id, body),
  answer: ({ leaseUntil }) => jsonResponse(200, { leaseUntil }),
})
