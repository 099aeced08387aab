import * as z from 'zod'
import { textContentType, writeFamilies } from '../../metrics/families.ts'
import { done } from '../../result.ts'
import { definePublicRoute } from '../../route.ts'
import { collectMetrics } from '../../services/metrics.ts'

export const getMetrics = definePublicRoute({
  method: 'GET',
  path: '/metrics',
  summary: "Metrics in Prometheus' text format. Needs the METRICS_TOKEN.",
  access: { kind: 'metrics' },
  scope: undefined,
  answers: { 200: z.string() },
  answerType: 'text/plain',
  act: async (context) => done(writeFamilies(await collectMetrics(context))),
  answer: (body) => ({ ok: true, status: 200, headers: { 'Content-Type': textContentType }, body }),
})
