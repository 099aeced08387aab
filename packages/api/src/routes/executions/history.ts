import * as z from 'zod'
import { defineRoute } from '../../route.ts'
import { listHistory } from '../../services/entries.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
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
  answers: { 200: pageSchema(historyEntrySchema) },
  act: (context, { path, query }) => listHistory(context, path.id, query),
  answer: pageResponse(historyEntryJson),
})
