import { auditTypes } from '@millrace/db/schema/audit-types'
import * as z from 'zod'
import { id, moment, text } from '../../fields.ts'
import { defineRoute } from '../../route.ts'
import { listEvents } from '../../services/audit.ts'
import { pageResponse, pageQuery, pageSchema } from '../paging.ts'
import { eventJson, eventSchema } from './contract.ts'

export const getAudit = defineRoute({
  method: 'GET',
  path: '/v1/audit',
  summary: 'What was changed and by whom, newest first.',
  access: { kind: 'user' },
  scope: 'read',
  query: z.object({
    type: z.array(z.enum(auditTypes)).default([]).meta({ description: 'Any of these; may be given more than once.' }),
    actor: id.optional().meta({ description: 'The user who acted.' }),
    subject: text(1, 255).optional().meta({ description: 'Id of what it was done to.' }),
    workflowId: id.optional(),
    since: moment.optional().meta({ description: 'At this moment or later.' }),
    until: moment.optional().meta({ description: 'Before this moment.' }),
    ...pageQuery,
  }),
  repeatableQuery: new Set(['type']),
  mayLag: true,
  answers: { 200: pageSchema(eventSchema) },
  act: (context, { query }) => listEvents(context, query),
  answer: pageResponse(eventJson),
})
