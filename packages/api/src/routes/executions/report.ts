import * as z from 'zod'
import { defineRoute, documentsBody } from '../../route.ts'
import { reportExecution } from '../../services/executions.ts'
import {
  dueAt,
  error,
  executionResponse,
  executionPath,
  executionSchema,
  fence,
  leaseSeconds,
  state,
} from './contract.ts'
import { signalName } from './entries.ts'

const reportBody = z
  .object({
    fence,
    state: state.optional(),
    status: z.enum(['pending', 'paused', 'completed', 'failed']).optional(),
    error: error.optional(),
    dueAt: dueAt.optional().meta({ description: 'When a paused or pending one is due again.' }),
    waitFor: z
      .array(signalName)
      .min(1)
      .max(20)
      .optional()
      .meta({ description: 'Names of signals that end the pause: one that comes, or one that is there already.' }),
    afterSeq: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'Of the signals that are there only those with a greater `seq`; 0 when absent.' }),
    leaseSeconds: leaseSeconds.optional().meta({ description: 'From now on; the lease stays as it is when absent.' }),
  })
  .refine(({ dueAt: due, status }) => (due ?? null) === null || status === 'pending' || status === 'paused', {
    path: ['dueAt'],
    error: 'belongs to the status pending or paused',
  })
  .refine(({ waitFor, status }) => waitFor === undefined || status === 'paused', {
    path: ['waitFor'],
    error: 'belongs to the status paused',
  })
  .refine(({ waitFor, afterSeq }) => afterSeq === undefined || waitFor !== undefined, {
    path: ['afterSeq'],
    error: 'belongs to `waitFor`',
  })

export const patchExecution = defineRoute({
  method: 'PATCH',
  path: '/v1/executions/{id}',
  summary: 'Report on a claimed execution: write its state, end it, pause it or give it back.',
  access: { kind: 'execution', need: 'owner' },
  scope: 'worker',
  pathParameters: executionPath,
  body: documentsBody(reportBody, ['state', 'error']),
  answers: { 200: executionSchema },
  refusals: ['fence_stale', 'invalid_transition'],
  act: (context, { path, body }) => reportExecution(context, path.id, body),
  answer: executionResponse,
})
