import { exists, sql } from 'drizzle-orm'
import { all } from '../../access/access.ts'
import { isNotRestoring } from '../../access/conditions.ts'
import type { AuditType } from '../../schema/audit-types.ts'
import type { Store } from '../../store/store.ts'
import { eventQuery, recordEvent, type AuditEvent } from './event.ts'

/* What commands did to the database as a whole, told once it is done. */

export interface DatabaseOperation {
  /** Made by the caller, once for all attempts. */
  readonly eventId: string
  readonly at: Date
  readonly type: Extract<AuditType, 'database.migrated' | 'database.restored'>
  /** The command's name. */
  readonly command: string
  readonly data: NonNullable<AuditEvent['data']>
}

/**
 * Leaves an event, where there is a user: a database that nobody has used yet stays empty, so that it can be restored into.
 * While others restore into it none is left, for their archive does not have it.
 */
export async function recordOperation(
  store: Store,
  { eventId, at, type, command, data }: DatabaseOperation,
): Promise<void> {
  const { dialect } = store
  const event: AuditEvent = {
    id: eventId,
    at,
    type,
    actor: { kind: 'command', userId: null, id: command },
    subject: { type: 'database', id: null },
    data,
    origin: { requestId: null, network: null },
  }
  const hasUsers = exists(dialect.builder.select({ one: sql`1` }).from(dialect.tables.users))
  await store.apply({
    locks: [],
    gate: recordEvent(dialect, event, { when: all(hasUsers, isNotRestoring(dialect)) }),
    proof: eventQuery(dialect, eventId),
  })
}
