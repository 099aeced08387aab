import * as z from 'zod'
import { defineRoute } from '../../route.ts'
import { listBackups } from '../../services/administration.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
import { backupJson, backupSchema } from './backup.ts'

export const getBackups = defineRoute({
  method: 'GET',
  path: '/v1/admin/backups',
  summary: 'List the backups that this database knows of, newest first.',
  access: { kind: 'admin' },
  scope: 'admin',
  query: z.object(pageQuery),
  mayLag: true,
  answers: { 200: pageSchema(backupSchema) },
  refusals: ['forbidden'],
  act: (context, { query }) => listBackups(context, query),
  answer: pageResponse(backupJson),
})
