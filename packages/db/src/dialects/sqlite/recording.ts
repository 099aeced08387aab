import { sql } from 'drizzle-orm'
import type { RecordingDialect } from '../../sql/recording.ts'
import { countedEntries } from '../newest-entry.ts'

/** One writer at a time: what is counted stays so until the end. */
export const sqliteRecording: RecordingDialect = {
  renewsLease: false,
  givesRows: true,
  toldBy: () => undefined,
  statement({ executions, history, isWorkable, insert }) {
    const leaseUntil = sql`(select lease_until from executions where executions.id = execution_id)`
    const firstSeq = sql`${countedEntries.newest(executions, history)} + 1`
    const entries = insert({ firstSeq, where: isWorkable })
    return sql`${entries} returning key, seq, ${leaseUntil}`
  },
}
