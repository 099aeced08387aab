import { desc, eq, isNotNull, sql } from 'drizzle-orm'
import { isAnchor } from '../access/access.ts'
import type { Dialect } from '../sql/dialect.ts'
import { readAnchored } from '../store/read-query.ts'
import { isUnfinished } from '../repositories/backups/requests.ts'
import { buildQuery } from '../sql/building.ts'
import type { Transport } from '../sql/transport.ts'
import { allNotChecked, fail, ok, warn, type Finding } from './finding.ts'

const hourMilliseconds = 3_600_000
const dayMilliseconds = 24 * hourMilliseconds

/** A backup a day, and time to take it; twice that when one was missed. */
const oldHours = 26
const tooOldHours = 50
/** A restore is tried once a month, in a month of any length. */
const undrilledDays = 35

const take = 'Take one with `millrace backup --out FILE --recipient age1…`, or schedule a daily one (docs/backups.md).'

/** `backup.*`, by the table that every backup writes to. */
export async function checkBackups(transport: Transport, at: Date): Promise<readonly Finding[]> {
  const row = await readAnchored(transport, backupsQuery(transport.dialect))
  const newest = row.newestAt ?? undefined
  if (newest === undefined) {
    const reason = 'there is no backup.'
    return [
      fail('backup.configured', 'No backup has been taken yet.', take),
      ...allNotChecked(['backup.age', 'backup.encrypted', 'backup.drilled'], reason, take),
    ]
  }
  const configured = ok('backup.configured', `Backups are taken: the newest on ${dayOf(newest)}.`)
  const goodAt = row.goodAt ?? undefined
  if (goodAt === undefined) {
    const none = fail('backup.age', `No backup has succeeded yet (the newest: ${row.newestResult ?? ''}).`, take)
    const reason = 'no backup has succeeded.'
    return [configured, none, ...allNotChecked(['backup.encrypted', 'backup.drilled'], reason, take)]
  }
  return [
    configured,
    ageFinding({ goodAt, newest, newestResult: row.newestResult ?? '' }, at),
    encryptionFinding(row.isEncrypted === true),
    drillFinding(row.drilledAt ?? undefined, at),
  ]
}

interface Ages {
  readonly goodAt: Date
  readonly newest: Date
  readonly newestResult: string
}

function ageFinding({ goodAt, newest, newestResult }: Ages, at: Date): Finding {
  const id = 'backup.age'
  const hours = (at.getTime() - goodAt.getTime()) / hourMilliseconds
  const words = `The last successful backup is ${ageWords(hours)} old.`
  if (hours > tooOldHours) return fail(id, words, take)
  if (hours > oldHours) return warn(id, words, take)
  if (newest > goodAt && !isUnfinished(newestResult)) {
    return warn(id, `${words} A later one did not succeed (${newestResult}).`, take)
  }
  return ok(id, words)
}

function ageWords(hours: number): string {
  return hours < 48 ? `${Math.max(0, Math.floor(hours))} h` : `${Math.floor(hours / 24)} days`
}

function encryptionFinding(isEncrypted: boolean): Finding {
  const id = 'backup.encrypted'
  if (isEncrypted) return ok(id, 'The newest backup is encrypted.')
  return warn(
    id,
    'The newest backup is not encrypted: it contains every document and password hash.',
    'Set BACKUP_RECIPIENTS to an age recipient from `millrace secrets new`, and store its identity elsewhere.',
  )
}

function drillFinding(drilledAt: Date | undefined, at: Date): Finding {
  const id = 'backup.drilled'
  const fix = 'Run a restore test of the newest backup: `millrace drill FILE --database URL`.'
  if (drilledAt === undefined) return fail(id, 'No restore test has been run yet.', fix)
  const days = Math.floor((at.getTime() - drilledAt.getTime()) / dayMilliseconds)
  if (days > undrilledDays) return warn(id, `The last restore test was ${days} days ago.`, fix)
  return ok(id, `The last restore test was on ${dayOf(drilledAt)}.`)
}

function dayOf(moment: Date): string {
  return moment.toISOString().slice(0, 10)
}

/** In one round trip, from the row that is always there. */
function backupsQuery(dialect: Dialect) {
  const { builder, tables } = dialect
  const { marks, backups } = tables
  const newest = builder
    .select({ createdAt: backups.createdAt, result: backups.result })
    .from(backups)
    .orderBy(desc(backups.createdAt), desc(backups.name))
    .limit(1)
    .as('newest')
  const good = builder
    .select({ createdAt: backups.createdAt, isEncrypted: backups.isEncrypted })
    .from(backups)
    .where(eq(backups.result, 'ok'))
    .orderBy(desc(backups.createdAt), desc(backups.name))
    .limit(1)
    .as('good')
  const drilled = builder
    .select({ drilledAt: backups.drilledAt })
    .from(backups)
    .where(isNotNull(backups.drilledAt))
    .orderBy(desc(backups.drilledAt))
    .limit(1)
    .as('drilled')
  return buildQuery(
    builder
      .select({
        newestAt: newest.createdAt,
        newestResult: newest.result,
        goodAt: good.createdAt,
        isEncrypted: good.isEncrypted,
        drilledAt: drilled.drilledAt,
      })
      .from(marks)
      .leftJoin(newest, sql`1 = 1`)
      .leftJoin(good, sql`1 = 1`)
      .leftJoin(drilled, sql`1 = 1`)
      .where(isAnchor(dialect)),
  )
}
