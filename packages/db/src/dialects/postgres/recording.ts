import { sql } from 'drizzle-orm'
import type { RecordingDialect } from '../../sql/recording.ts'

/** The row's own counter goes first: of two recorders at once the second waits for the row, and counts from what it finds. */
export const postgresRecording: RecordingDialect = {
  renewsLease: true,
  givesRows: true,
  toldBy: () => undefined,
  statement({ executions, isWorkable, count, at, leaseUntil, insert }) {
    const set = [
      sql`${sql.identifier(executions.lastSeq.name)} = ${executions.lastSeq} + ${sql.raw(String(count))}`,
      ...(leaseUntil === undefined
        ? []
        : [
            sql`${sql.identifier(executions.leaseUntil.name)} = ${leaseUntil}, ${sql.identifier(executions.updatedAt.name)} = greatest(${executions.updatedAt}, ${at})`,
          ]),
    ]
    const held = sql`update ${executions} set ${sql.join(set, sql`, `)} where ${isWorkable} returning ${executions}.*`
    const recorded = sql`${insert({ firstSeq: sql`${executions.lastSeq} - ${sql.raw(String(count - 1))}` })} returning key, seq`
    return sql`with ${executions} as (${held}), recorded as (${recorded}) select recorded.key, recorded.seq, ${executions.leaseUntil} from recorded cross join ${executions}`
  },
}
