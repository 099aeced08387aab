import * as z from 'zod'
import { jsonAnswer } from '../../answer.ts'
import { defineRoute, noBody, noParameters } from '../../route.ts'
import { listBackups } from '../../services/administration.ts'
import { pageQuery, pageSchema } from '../paging.ts'
import { backupJson, backupSchema } from './backup.ts'

export const getBackups = defineRoute({
  method: 'GET',
  path: '/v1/admin/backups',
  summary: 'List the backups that this database knows of, newest first.',
  access: { kind: 'admin' },
  scope: 'admin',
  pathParameters: noParameters,
  query: z.object(pageQuery),
  body: noBody,
  isIdempotent: false,
  isConditional: false,
  mayLag: true,
  answers: { 200: pageSchema(backupSchema) },
  refusals: ['forbidden', 'invalid_cursor'],
  async act(context, { query }) {
    const page = await listBackups(context, query)
    if (!page.ok) return page
    const { items, nextCursor } = page.value
    return jsonAnswer(200, { items: items.map(backupJson), nextCursor })
  },
})
