import { sql } from 'drizzle-orm'
import type { RecordingDialect } from '../../sql/recording.ts'
import { countedEntries } from '../newest-entry.ts'

/** Milliseconds that a lease may end before or after the moment of recording, to be told by the number. */
const range = 4_194_304n

/**
 * MySQL has no `returning`. What the statement has to tell comes back as the one number that every answer of MySQL has
 * room for, `last_insert_id(…)`: the last entry's `seq`, and in its last 23 bits how long the lease lasts. It stays below
 * 2^53 up to a `seq` of a thousand million. 0, of a lease that is out of range, tells nothing.
 * https://dev.mysql.com/doc/refman/8.4/en/information-functions.html#function_last-insert-id
 */
export const mysqlRecording: RecordingDialect = {
  renewsLease: false,
  givesRows: false,
  toldBy(insertId) {
    if (insertId === 0n) return undefined
    const lease = insertId % (2n * range)
    return { lastSeq: Number(insertId / (2n * range)), leaseMilliseconds: Number(lease - range) }
  },
  statement({ executions, history, isWorkable, count, at, insert }) {
    const first = sql`${countedEntries.newest(executions, history)} + 1`
    const limit = sql.raw(String(range))
    const lease = sql`timestampdiff(microsecond, ${at}, ${executions.leaseUntil}) div 1000`
    const last = sql`(${first} + ${sql.raw(String(count - 1))})`
    const told = sql`case when abs(${lease}) < ${limit} then ${last} * ${sql.raw(String(2n * range))} + ${limit} + ${lease} else 0 end`
    // The lock is the execution's, for its change: shared ones, which two recorders would both hold, end in a deadlock.
    return insert({ firstSeq: sql`${first} + 0 * last_insert_id(${told})`, where: isWorkable, lock: sql`for update` })
  },
}
