import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { defineRoute, noBody } from '../../route.ts'
import { checkReader, listSchedules } from '../../services/schedules.ts'
import { pageQuery, pageSchema } from '../paging.ts'
import { workflowPath } from '../workflows/contract.ts'
import { scheduleJson, scheduleSchema } from './contract.ts'

export const getSchedules = defineRoute({
  method: 'GET',
  path: '/v1/workflows/{id}/schedules',
  summary: "List a workflow's schedules, newest first.",
  access: { kind: 'workflow', need: 'view', isPrivate: true },
  scope: 'read',
  pathParameters: workflowPath,
  query: z.object(pageQuery),
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  mayLag: true,
  answers: { 200: pageSchema(scheduleSchema) },
  refusals: ['forbidden', 'invalid_cursor'],
  find: (context, { id }) => checkReader(context, id),
  async act(context, { path, query }) {
    const page = await listSchedules(context, path.id, query)
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(scheduleJson), nextCursor })
  },
})
