import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { defineRoute, noBody } from '../../route.ts'
import { listSteps } from '../../services/entries.ts'
import { pageQuery, pageSchema } from '../paging.ts'
import { executionPath } from './contract.ts'
import { stepJson, stepSchema } from './entries.ts'

export const getSteps = defineRoute({
  method: 'GET',
  path: '/v1/executions/{id}/steps',
  summary: "List an execution's steps, oldest first.",
  access: { kind: 'execution', need: 'view' },
  scope: 'claimed',
  pathParameters: executionPath,
  query: z.object(pageQuery),
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  answers: { 200: pageSchema(stepSchema) },
  refusals: ['invalid_cursor'],
  async act(context, { path, query }) {
    const page = await listSteps(context, path.id, query)
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(stepJson), nextCursor })
  },
})
