import type { RecordedEvent } from '@millrace/db/repositories/audit/list'
import { auditActorKinds, auditSubjects, auditTypes } from '@millrace/db/schema/audit-types'
import * as z from 'zod'
import { id, instant } from '../../fields.ts'
import { ExactJson } from '../../json.ts'

export const eventSchema = z
  .object({
    id,
    at: instant,
    type: z.enum(auditTypes),
    actor: z.object({
      kind: z.enum(auditActorKinds),
      userId: id.nullable(),
      id: z.string().nullable().meta({ description: 'Of the session, API key or schedule that acted.' }),
    }),
    subject: z.object({ type: z.enum(auditSubjects), id: z.string().nullable() }),
    workflowId: id.nullable(),
    data: z
      .record(z.string(), z.unknown())
      .meta({ description: 'Names and numbers of what changed; never a document or a secret.' }),
    network: z.string().nullable().meta({ description: 'An IPv4 address, or the /64 of an IPv6 one.' }),
    requestId: z.string().nullable(),
  })
  .meta({ id: 'AuditEvent' })

export function eventJson(event: RecordedEvent) {
  return {
    id: event.id,
    at: event.at,
    type: event.type,
    actor: { kind: event.actorKind, userId: event.actorUserId, id: event.actorId },
    subject: { type: event.subjectType, id: event.subjectId },
    workflowId: event.workflowId,
    data: new ExactJson(event.data),
    network: event.network,
    requestId: event.requestId,
  }
}
