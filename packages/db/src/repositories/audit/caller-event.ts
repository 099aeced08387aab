import { eq, sql } from 'drizzle-orm'
import { actorOf, type UserCaller } from '../../access/access.ts'
import type { AuditType } from '../../schema/audit-types.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { Bind } from '../../sql/building.ts'
import type { AuditActor, AuditEvent, EventOrigin, EventTerms } from './event.ts'
import type { CallerShape, CallerValues } from '../../access/conditions.ts'

/** What a caller does, without who it is and where it comes from. */
export type Deed = Omit<AuditEvent, 'actor' | 'origin'>

/** The event of what a caller does. A caller without a request is a command's. */
export function callerEvent(dialect: Dialect, caller: UserCaller, deed: Deed): AuditEvent {
  return { ...deed, actor: actorFor(dialect, caller), origin: originOf(caller) }
}

function actorFor(dialect: Dialect, caller: UserCaller): AuditActor {
  if (caller.origin === undefined) return { kind: 'command', userId: caller.userId, id: null }
  return actorOf(dialect, caller)
}

function originOf({ origin }: UserCaller): EventOrigin {
  return origin ?? { requestId: null, network: null }
}

/** What of a caller's event a statement that is built once depends on. */
export interface EventShape {
  readonly caller: CallerShape
  readonly isCommand: boolean
}

/** What fills the places of {@link boundEvent}. */
export interface EventValues extends CallerValues {
  readonly eventId: string
  readonly eventType: AuditType
  readonly eventAt: Date
  readonly requestId: string | null
  readonly network: string | null
}

export function eventValues(
  caller: UserCaller,
  event: { readonly id: string; readonly type: AuditType; readonly at: Date },
): Omit<EventValues, keyof CallerValues> {
  return { eventId: event.id, eventType: event.type, eventAt: event.at, ...originOf(caller) }
}

/** {@link callerEvent} with places for what changes from call to call. */
export function boundEvent(
  { builder, tables: { apiKeys, audit, sessions, users } }: Dialect,
  bind: Bind<EventValues>,
  { caller, isCommand }: EventShape,
  deed: Omit<Deed, 'id' | 'at' | 'type'>,
): EventTerms {
  const userId = bind('userId', users.id)
  const isKey = eq(apiKeys.keySha256, bind('keySha256', apiKeys.keySha256))
  const key = builder.select({ id: apiKeys.id }).from(apiKeys).where(isKey)
  const ids = { key: sql`(${key})`, session: bind('sessionId', sessions.familyId), none: null }
  const id = isCommand ? null : ids[caller.credential]
  return {
    ...deed,
    id: bind('eventId', audit.id),
    at: bind('eventAt', audit.at),
    type: bind('eventType', audit.type),
    actor: { kind: isCommand ? 'command' : caller.credential === 'key' ? 'key' : 'user', userId, id },
    origin: { requestId: bind('requestId', audit.requestId), network: bind('network', audit.network) },
  }
}
