import { sql, type Column, type SQL } from 'drizzle-orm'
import { isAnchor } from '../access/access.ts'
import type { Dialect } from '../sql/dialect.ts'
import { DatabaseError } from '../sql/errors.ts'
import { pendingMigrations } from '../schema/known-migrations.ts'
import { readAnchored, readQuery } from '../store/read-query.ts'
import { appliedMigrations } from '../store/applied-migrations.ts'
import type { Tables } from '../schema/schema.ts'
import { buildQuery } from '../sql/building.ts'
import type { Transport } from '../sql/transport.ts'
import { readFacts } from './connection.ts'
import { fail, ok, warn, type Finding } from './finding.ts'
import { inspectionOf } from '../dialects/tools.ts'

const id = 'replica'
const tolerableSeconds = 10
const intolerableSeconds = 300

/** `replica`: reachable, of the same schema, near the primary, and nothing that takes writes. */
export async function checkReplica(primary: Transport, replica: Transport, clock: () => Date): Promise<Finding> {
  try {
    const facts = await readFacts(replica, inspectionOf(replica), clock)
    const missing = await missingMigrations(replica)
    if (missing.length > 0) {
      return fail(
        id,
        `The replica lacks migrations: ${missing.join(', ')}.`,
        'Point DATABASE_READ_URL to a replica of the database of DATABASE_URL, and wait until it has caught up.',
      )
    }
    const lagSeconds = await lagOf(primary, replica, clock)
    return lagFinding(lagSeconds, facts.isReadOnly)
  } catch (thrown) {
    if (!(thrown instanceof DatabaseError)) throw thrown
    const { message, fix } = thrown
    return fail(id, `The replica can't be read: ${message}. The primary answers instead.`, `DATABASE_READ_URL: ${fix}`)
  }
}

function lagFinding(lagSeconds: number, isReadOnly: boolean): Finding {
  const behind = `The replica is at least ${lagSeconds.toFixed(1)} s behind the primary.`
  const fix = "Look at the replication's state on the server, or unset DATABASE_READ_URL until it has caught up."
  if (lagSeconds > intolerableSeconds) return fail(id, behind, fix)
  if (lagSeconds > tolerableSeconds) return warn(id, behind, fix)
  if (!isReadOnly) {
    return warn(
      id,
      'The replica is up to date but accepts writes: it may be the primary itself.',
      'Point DATABASE_READ_URL to a replica that is read-only.',
    )
  }
  return ok(
    id,
    `The replica answers, is read-only, and is ${lagSeconds === 0 ? 'up to date' : 'close behind the primary'}.`,
  )
}

async function missingMigrations(replica: Transport): Promise<readonly string[]> {
  const applied = await readQuery(replica, appliedMigrations(replica.dialect, {}))
  return pendingMigrations(applied.map(({ name }) => name))
}

/**
 * By the newest rows, as every server shows them: one that the primary has had since a moment and the replica hasn't
 * says that the replica is at least that far behind. The replica is read first, so that what is written between the
 * two reads counts for no more than the time between them.
 */
async function lagOf(primary: Transport, replica: Transport, clock: () => Date): Promise<number> {
  const there = await newestMoments(replica)
  const here = await newestMoments(primary)
  const missingSince = here.flatMap((moment, position) => {
    const copied = there[position]
    return moment === undefined || (copied !== undefined && copied >= moment) ? [] : [moment.getTime()]
  })
  if (missingSince.length === 0) return 0
  return Math.max(0, (clock().getTime() - Math.min(...missingSince)) / 1000)
}

/** A moment a table; undefined where the table has no row. */
async function newestMoments(transport: Transport): Promise<readonly (Date | undefined)[]> {
  const row = await readAnchored(transport, newestQuery(transport.dialect))
  return Object.values<unknown>(row).map((moment) => (moment instanceof Date ? moment : undefined))
}

/** The end of one index each. */
function newestQuery(dialect: Dialect) {
  const { builder, tables } = dialect
  const { marks, users, executions, idempotencyKeys, loginAttempts, backups } = tables
  return buildQuery(
    builder
      .select({
        users: newestOf(users, users.createdAt),
        executions: newestOf(executions, executions.createdAt),
        idempotencyKeys: newestOf(idempotencyKeys, idempotencyKeys.createdAt),
        loginAttempts: newestOf(loginAttempts, loginAttempts.attemptedAt),
        backups: newestOf(backups, backups.createdAt),
      })
      .from(marks)
      .where(isAnchor(dialect)),
  )
}

function newestOf(table: Tables[keyof Tables], column: Column): SQL {
  return sql`(select max(${column}) from ${table})`.mapWith(column)
}
