import * as z from 'zod'
import { defineRoute } from '../../route.ts'
import { listSteps } from '../../services/entries.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
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
  answers: { 200: pageSchema(stepSchema) },
  act: (context, { path, query }) => listSteps(context, path.id, query),
  answer: pageResponse(stepJson),
})
