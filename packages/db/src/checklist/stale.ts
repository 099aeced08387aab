import { and, eq, lte, sql, type SQL } from 'drizzle-orm'
import { isAnchor } from '../access/access.ts'
import type { Dialect } from '../sql/dialect.ts'
import { readAnchored } from '../store/read-query.ts'
import type { Tables } from '../schema/schema.ts'
import { buildQuery } from '../sql/building.ts'
import type { Transport } from '../sql/transport.ts'
import { ok, warn, type Finding } from './finding.ts'

const hourMilliseconds = 3_600_000
/** The sweep runs every few minutes: what outlives its time by an hour, nobody sweeps. */
const graceMilliseconds = hourMilliseconds
const keyMilliseconds = 24 * hourMilliseconds
/** More are not counted. */
const mostCounted = 1000

/** `rows.stale`: what the schedule and the workers should have cleared away. */
export async function checkStaleRows(transport: Transport, at: Date): Promise<Finding> {
  const id = 'rows.stale'
  const counts = await readAnchored(transport, staleQuery(transport.dialect, at))
  const stale = [
    { count: counts.leases, what: 'leases of executions that ran out' },
    { count: counts.keys, what: 'Idempotency-Keys past their 24 hours' },
    { count: counts.sessions, what: 'sessions that expired' },
    { count: counts.attempts, what: 'log-in attempts that no limit counts' },
  ].filter(({ count }) => count > 0)
  if (stale.length === 0) return ok(id, 'There are no expired rows.')
  const words = stale.map(({ count, what }) => `${count > mostCounted ? `more than ${mostCounted}` : count} ${what}`)
  return warn(
    id,
    `Expired for more than an hour: ${words.join(', ')}.`,
    "Check that the functions' schedule runs (`[triggers]` in wrangler.toml), and that workers ask for executions.",
  )
}

/** Each count is a range of an index, and bounded. */
function staleQuery(dialect: Dialect, at: Date) {
  const { builder, tables } = dialect
  const { marks, executions, idempotencyKeys, sessions, loginAttempts } = tables
  const end = new Date(at.getTime() - graceMilliseconds)
  const dayBefore = new Date(end.getTime() - keyMilliseconds)
  const leases = and(eq(executions.status, 'running'), lte(executions.leaseUntil, end))
  return buildQuery(
    builder
      .select({
        leases: countOf(executions, leases),
        keys: countOf(idempotencyKeys, lte(idempotencyKeys.createdAt, dayBefore)),
        sessions: countOf(sessions, lte(sessions.expiresAt, end)),
        attempts: countOf(loginAttempts, lte(loginAttempts.attemptedAt, dayBefore)),
      })
      .from(marks)
      .where(isAnchor(dialect)),
  )
}

function countOf(table: Tables[keyof Tables], condition: SQL | undefined): SQL<number> {
  const limit = sql.raw(String(mostCounted + 1))
  return sql`(select count(*) from (select 1 as one from ${table} where ${condition} limit ${limit}) stale)`.mapWith(
    Number,
  )
}
