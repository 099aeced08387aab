import * as z from 'zod'
import { textContentType, writeFamilies } from '../../metrics/families.ts'
import { definePublicRoute, noBody, noParameters } from '../../route.ts'
import { collectMetrics } from '../../services/metrics.ts'

export const getMetrics = definePublicRoute({
  method: 'GET',
  path: '/metrics',
  summary: "Metrics in Prometheus' text format. Needs the METRICS_TOKEN.",
  access: { kind: 'metrics' },
  scope: undefined,
  pathParameters: noParameters,
  query: noParameters,
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: z.string() },
  answerType: 'text/plain',
  refusals: [],
  async act(context) {
    const body = writeFamilies(await collectMetrics(context))
    return { ok: true, status: 200, headers: { 'Content-Type': textContentType }, body }
  },
})
