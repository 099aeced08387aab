import { and, asc, lte, sql, type Column, type SQL } from 'drizzle-orm'
import { isNotRestoring } from '../../access/conditions.ts'
import { buildQuery, buildStatement } from '../../sql/building.ts'
import type { Store } from '../../store/store.ts'
import { leaveTurn } from '../../store/turns.ts'
import type { Tables } from '../../schema/schema.ts'

/** How many rows of a table one deletion takes, but for those of the same millisecond; of most tables a run has one. */
const mostRows = 1000

type Swept = Tables['sessions' | 'audit' | 'passwordResets' | 'idempotencyKeys' | 'loginAttempts']

const dayMilliseconds = 24 * 60 * 60 * 1000

/** Deletes refresh tokens that have expired. */
export function sweepSessions(store: Store, at: Date): Promise<number> {
  const { sessions } = store.dialect.tables
  return deleteOldest(store, sessions, sessions.expiresAt, at)
}

/** Deletes tokens for a new password that have expired. */
export function sweepPasswordResets(store: Store, at: Date): Promise<number> {
  const { passwordResets } = store.dialect.tables
  return deleteOldest(store, passwordResets, passwordResets.expiresAt, at)
}

/**
 * Deletes Idempotency-Keys with their answers after 24 hours, oldest first.
 * @param signal Ends the run after the round that is under way.
 */
export function sweepIdempotencyKeys(store: Store, at: Date, signal?: AbortSignal): Promise<number> {
  const { idempotencyKeys } = store.dialect.tables
  return deleteInRounds(store, {
    table: idempotencyKeys,
    moment: idempotencyKeys.createdAt,
    until: dayBefore(at),
    signal,
  })
}

/** Deletes attempts that no limit counts any more. */
export function sweepLoginAttempts(store: Store, at: Date): Promise<number> {
  const { loginAttempts } = store.dialect.tables
  return deleteOldest(store, loginAttempts, loginAttempts.attemptedAt, dayBefore(at))
}

/**
 * Deletes audit events of before a moment, oldest first; none while others restore into the database, who prove what they
 * have written.
 * @param signal Ends the run after the round that is under way.
 */
export function sweepAudit(store: Store, before: Date, signal?: AbortSignal): Promise<number> {
  const { audit } = store.dialect.tables
  const condition = isNotRestoring(store.dialect)
  return deleteInRounds(store, { table: audit, moment: audit.at, until: before, signal, condition })
}

/** How often a run takes so many rows of what each start and each claim of an execution may leave one of. */
const mostRounds = 50

interface Rounds {
  readonly table: Swept
  readonly moment: Column
  readonly until: Date
  readonly signal: AbortSignal | undefined
  readonly condition?: SQL
}

async function deleteInRounds(store: Store, { table, moment, until, signal, condition }: Rounds): Promise<number> {
  let deleted = 0
  for (let round = 0; round < mostRounds; round += 1) {
    const startedAt = performance.now()
    const count = await deleteOldest(store, table, moment, until, condition)
    deleted += count
    if (count < mostRows || signal?.aborted === true) break
    await leaveTurn(store, startedAt)
  }
  return deleted
}

function dayBefore(at: Date): Date {
  return new Date(at.getTime() - dayMilliseconds)
}

/** MySQL takes no `limit` in a subquery of a deletion: where to stop is read first. */
async function deleteOldest(store: Store, table: Swept, moment: Column, until: Date, condition?: SQL): Promise<number> {
  const { builder } = store.dialect
  const [stop] = await store.read(
    buildQuery(
      builder
        .select({ moment: sql<Date>`${moment}`.mapWith(moment) })
        .from(table)
        .where(lte(moment, until))
        .orderBy(asc(moment))
        .limit(1)
        .offset(mostRows - 1),
    ),
  )
  const deletion = builder.delete(table).where(and(lte(moment, stop?.moment ?? until), condition))
  const [deleted = 0] = await store.tidy([buildStatement(deletion)])
  return deleted
}
