import type { Statement } from './statement.ts'

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
  /** Never throws. */
  close(): Promise<void>
}

export interface LoadedRows {
  readonly table: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly RawValue[])[]
}
