import * as z from 'zod'
import { greatestCount, integer } from '../../fields.ts'
import { writeJson } from '../../json.ts'
import { defineRoute } from '../../route.ts'
import { followHistory } from '../../services/events.ts'
import { executionPath } from './contract.ts'
import { historyEntryJson } from './entries.ts'

export const getEvents = defineRoute({
  method: 'GET',
  path: '/v1/executions/{id}/events',
  summary: 'Follow an execution: its history, then what happens, as server-sent events.',
  access: { kind: 'execution', need: 'view' },
  scope: 'claimed',
  pathParameters: executionPath,
  query: z.object({
    after: integer(0, greatestCount)
      .optional()
      .meta({ description: 'Begin behind the entry with this `seq`; the header `Last-Event-ID` ranks before it.' }),
  }),
  answers: { 200: z.string() },
  answerType: 'text/event-stream',
  refusals: ['validation_failed'],
  act: (context, { path, query, lastEventId }) =>
    followHistory(context, path.id, { after: query.after, lastEventId }, (entry) => writeJson(historyEntryJson(entry))),
  answer: (events) => ({
    ok: true,
    status: 200,
    // nginx buffers answers unless one says otherwise.
    headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
    body: events,
  }),
})
