import * as z from 'zod'
import { defineRoute } from '../../route.ts'
import { checkReader, listSchedules } from '../../services/schedules.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
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
  mayLag: true,
  answers: { 200: pageSchema(scheduleSchema) },
  refusals: ['forbidden'],
  find: (context, { id }) => checkReader(context, id),
  act: (context, { path, query }) => listSchedules(context, path.id, query),
  answer: pageResponse(scheduleJson),
})
