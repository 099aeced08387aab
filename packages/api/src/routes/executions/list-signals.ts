import * as z from 'zod'
import { greatestCount, integer } from '../../fields.ts'
import { defineRoute } from '../../route.ts'
import { listSignals } from '../../services/entries.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
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
    after: integer(0, greatestCount).optional().meta({ description: 'Signals with a greater `seq`.' }),
    ...pageQuery,
  }),
  answers: { 200: pageSchema(signalSchema) },
  act: (context, { path, query }) => listSignals(context, path.id, query),
  answer: pageResponse(signalJson),
})
