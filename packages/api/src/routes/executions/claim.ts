import * as z from 'zod'
import type { Json } from '../../json.ts'
import { headedAs } from '../../request/idempotency.ts'
import { jsonResponse } from '../../response.ts'
import { id, text } from '../../fields.ts'
import { defineRoute, jsonBody } from '../../route.ts'
import { claim } from '../../services/claims.ts'
import { claimedExecutionJson, claimedExecutionSchema, leaseSeconds } from './contract.ts'

const claimBody = z.object({
  worker: text(1, 100).meta({ description: "The worker's name, for people." }),
  limit: z.int().min(1).max(50).optional().meta({ description: '1 when absent.' }),
  leaseSeconds: leaseSeconds.optional().meta({ description: '60 when absent.' }),
  workflowIds: z.array(id).max(100).optional().meta({ description: 'Executions of these workflows only.' }),
  withSteps: z.boolean().optional().meta({ description: 'Whether each comes with the steps that are recorded.' }),
})

function leasesResponse(items: readonly Json[], headers: Readonly<Record<string, string>> = {}) {
  return jsonResponse(200, { items }, headers)
}

export const postClaim = defineRoute({
  method: 'POST',
  path: '/v1/executions/claim',
  summary: "Claim due executions of the caller's own workflows, oldest first, each under a lease and a fence.",
  access: { kind: 'user' },
  scope: 'worker',
  body: jsonBody(claimBody),
  isIdempotent: true,
  answers: { 200: z.object({ items: z.array(claimedExecutionSchema) }) },
  act: (context, { body, idempotencyKey }) => claim(context, body, headedAs(idempotencyKey, leasesResponse([]))),
  answer({ items, isReplayed }) {
    const headers = isReplayed ? { 'Idempotency-Replayed': 'true' } : {}
    return leasesResponse(items.map(claimedExecutionJson), headers)
  },
})
