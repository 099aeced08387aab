import type { SQL } from 'drizzle-orm'
import type { Tables } from '../schema/schema.ts'

/** The parts of the one statement that records steps. */
export interface Recording {
  readonly executions: Tables['executions']
  readonly history: Tables['executionHistory']
  /** That the execution is there, and may be worked by this caller under this fence. */
  readonly isWorkable: SQL
  readonly count: number
  /** When it happens. */
  readonly at: SQL
  /** What the lease becomes; undefined leaves it as it is. */
  readonly leaseUntil: SQL | undefined
  readonly insert: (parts: InsertParts) => SQL
}

/** The insert of the entries, one for each step, from the row of `executions`. */
export interface InsertParts {
  /** Where the first of them stands. */
  readonly firstSeq: SQL
  /** Which rows; all that the name has when undefined. */
  readonly where?: SQL
  /** Stands behind the select. */
  readonly lock?: SQL
}

/** How a dialect records steps in one statement that also tells where they stand and how long the lease is. */
export interface RecordingDialect {
  /** Whether the same statement can change the lease. */
  readonly renewsLease: boolean
  statement(recording: Recording): SQL
  /** What the statement's rows have, in the order of the list: `key`, `seq`, `lease_until`; none where it tells by number. */
  readonly givesRows: boolean
  /** Where it tells by number: the last entry's `seq`, and the lease's end in milliseconds after the moment of recording. */
  readonly toldBy: (insertId: bigint) => { readonly lastSeq: number; readonly leaseMilliseconds: number } | undefined
}
