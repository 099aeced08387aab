/** A value as the database itself writes it as text; null is null. */
export type RawValue = string | null

/**
 * Sessions of a native driver that many rows are inserted by, in the fastest way that the database has. They may leave
 * foreign keys unchecked: whoever loads checks them at the end, and keeps everyone else away until then.
 */
export interface Loading {
  /**
   * Inserts rows of one table, all or none. Several may be under way.
   * @throws DatabaseError
   */
  insert(table: string, columns: readonly string[], rows: readonly (readonly RawValue[])[]): Promise<void>
  /** Never throws. */
  close(): Promise<void>
}
