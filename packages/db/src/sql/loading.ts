import type { EncodedRows, KeyValue } from './encoded-rows.ts'
import type { Statement } from './statement.ts'

export type { KeyValue } from './encoded-rows.ts'

/** A value as the database itself writes it as text; null is null. */
export type RawValue = string | null

/**
 * Sessions of a native driver that many rows are inserted by, in the fastest way that the database has. They may leave
 * foreign keys unchecked: whoever loads checks them at the end, and keeps everyone else away until then.
 */
export interface Loading {
  /**
   * Inserts rows of one table, all or none. Several may be under way.
   * @param guard the transaction's first statement: where it gives no row, none is inserted
   * @returns whether the guard gave a row
   * @throws DatabaseError
   */
  insert(guard: Statement, rows: LoadedRows): Promise<boolean>
  /**
   * Inserts rows of one table as a snapshot of the same kind of database has encoded them, all or none. Absent where the driver
   * can't.
   * @param guard as of `insert`
   * @returns as `insert`
   * @throws DatabaseError
   */
  readonly insertEncoded?: (guard: Statement, page: LoadedEncoding) => Promise<boolean>
  /**
   * Copies rows of one table from the snapshot's database, all or none, without their passing through this process. Absent
   * where the driver can't.
   * @param guard as of `insert`
   * @throws DatabaseError
   */
  copy?(guard: Statement, range: CopiedRange): Promise<CopyOutcome>
  /** Never throws. */
  close(): Promise<void>
}

export interface LoadedRows {
  readonly table: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly RawValue[])[]
}

export interface LoadedEncoding {
  readonly table: string
  readonly columns: readonly string[]
  readonly encoded: EncodedRows
}

/** Rows of a table by its primary key: those behind `after`, up to and with `last`. */
export interface CopiedRange {
  readonly table: string
  readonly columns: readonly string[]
  readonly key: readonly string[]
  readonly after: readonly KeyValue[] | undefined
  readonly last: readonly KeyValue[]
  /** How many the snapshot has there. */
  readonly rows: number
}

/** `other_rows`: the database may have other rows than the snapshot by now; nothing was copied. */
export type CopyOutcome = 'copied' | 'not_allowed' | 'other_rows'
