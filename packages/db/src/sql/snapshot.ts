import type { Dialect } from './dialect.ts'
import type { EncodedPageSize, EncodedRange, EncodedRows } from './encoded-rows.ts'
import type { RawResult, Statement } from './statement.ts'

/** Reads of one moment: a read-only transaction in which every statement sees the same rows. */
export interface Snapshot {
  readonly dialect: Dialect
  /** @throws DatabaseError, also when the platform has ended the transaction. */
  run(statement: Statement): Promise<RawResult>
  /**
   * Reads a range of rows in the order of its key, page by page, without making values of them. Nothing else can be read before
   * its end; whoever stops earlier can only close the snapshot. Absent where the driver can't.
   * @throws DatabaseError
   */
  readonly readEncoded?: (range: EncodedRange, size: EncodedPageSize) => AsyncGenerator<EncodedRows>
  /**
   * Where the platform has no transaction for reading: whether all that was read was there at one moment. To be called
   * behind the last statement; absent where the transaction itself sees to it.
   * @throws DatabaseError `database_busy` where it was not
   */
  confirm?(): Promise<void>
  /** Gives it up. Never throws. */
  close(): Promise<void>
}
