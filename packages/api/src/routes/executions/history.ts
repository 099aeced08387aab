import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { defineRoute, noBody } from '../../route.ts'
import { listHistory } from '../../services/entries.ts'
import { pageQuery, pageSchema } from '../paging.ts'
import { executionPath } from './contract.ts'
import { historyEntryJson, historyEntrySchema } from './entries.ts'

export const getHistory = defineRoute({
  method: 'GET',
  path: '/v1/executions/{id}/history',
  summary: 'List everything that happened to an execution, in the one order in which it happened.',
  access: { kind: 'execution', need: 'view' },
  scope: 'claimed',
  pathParameters: executionPath,
  query: z.object(pageQuery),
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: pageSchema(historyEntrySchema) },
  refusals: ['invalid_cursor'],
  async act(context, { path, query }) {
    const page = await listHistory(context, path.id, query)
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(historyEntryJson), nextCursor })
  },
})
