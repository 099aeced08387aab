import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { integer } from '../../fields.ts'
import { defineRoute, noBody } from '../../route.ts'
import { listSignals } from '../../services/entries.ts'
import { pageQuery, pageSchema } from '../paging.ts'
import { executionPath } from './contract.ts'
import { signalJson, signalName, signalSchema } from './entries.ts'

export const getSignals = defineRoute({
  method: 'GET',
  path: '/v1/executions/{id}/signals',
  summary: "List an execution's signals, oldest first.",
  access: { kind: 'execution', need: 'view' },
  scope: 'claimed',
  pathParameters: executionPath,
  query: z.object({
    name: signalName.optional(),
    after: integer(0, 2_147_483_647).optional().meta({ description: 'Signals with a greater `seq`.' }),
    ...pageQuery,
  }),
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: pageSchema(signalSchema) },
  refusals: ['invalid_cursor'],
  async act(context, { path, query }) {
    const page = await listSignals(context, path.id, query)
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(signalJson), nextCursor })
  },
})
