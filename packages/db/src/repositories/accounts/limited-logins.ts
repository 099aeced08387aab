import { and, eq, exists, gt, not, sql } from 'drizzle-orm'
import { all, type Origin } from '../../access/access.ts'
import type { Dialect } from '../../sql/dialect.ts'
import type { Statement } from '../../sql/statement.ts'
import type { Store } from '../../store/store.ts'
import { recordEvent, type AuditEvent } from '../audit/event.ts'
import { takeBack, type RateLimited } from './login-attempts.ts'

export interface RefusedAttempt {
  readonly id: string
  readonly eventId: string
  /** Undefined where nobody has the name that was typed. */
  readonly userId: string | undefined
  readonly origin: Origin
  readonly limited: RateLimited
  readonly at: Date
}

/**
 * Takes back an attempt beyond the limits, and records that the user is limited: once for the time of a limit, so that
 * guessing on fills no table. The same statements, and as many round trips, where nobody has the name.
 */
export async function refuseAttempt(store: Store, refused: RefusedAttempt): Promise<void> {
  await takeBack(store, refused, [limitedEvent(store.dialect, refused)])
}

function limitedEvent(dialect: Dialect, { eventId, userId, origin, limited, at }: RefusedAttempt): Statement {
  const { name, most, withinMilliseconds } = limited.reached
  const since = new Date(at.getTime() - withinMilliseconds)
  const event: AuditEvent = {
    ...{ id: eventId, at, type: 'user.login_limited', origin, ownerId: userId ?? null },
    actor: { kind: 'system', userId: null, id: null },
    subject: { type: 'user', id: userId ?? null },
    data: { limit: name, most, until: limited.until.toISOString() },
  }
  const { builder, tables } = dialect
  const { audit } = tables
  // As a derived table: MySQL reads a table that it writes in no other way.
  const told = builder
    .select({ id: audit.id })
    .from(audit)
    .where(and(eq(audit.subjectId, userId ?? ''), eq(audit.type, 'user.login_limited'), gt(audit.at, since)))
    .limit(1)
    .as('told')
  const isKnown = sql.raw(userId === undefined ? '1 = 0' : '1 = 1')
  const when = all(isKnown, not(exists(builder.select({ id: told.id }).from(told))))
  return recordEvent(dialect, event, { when })
}
