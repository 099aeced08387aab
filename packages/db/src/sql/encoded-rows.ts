/** A value of a key, for a range of rows. */
export type KeyValue = string | number

/**
 * Rows as PostgreSQL's binary COPY has them, each in a CopyData message of the protocol: a letter `d`, four bytes with the
 * length of what follows them on, two with the number of fields, and for each field four with its length, or -1 for null,
 * before its bytes. A server takes these bytes as another has sent them.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
 */
export interface EncodedRows {
  readonly rows: number
  readonly bytes: Uint8Array
  /** Lets the bytes' memory be used for others, once nobody looks at them any more; without it they are garbage some time. */
  release?(): void
}

/** Rows of a table by its primary key: those behind `after`, up to and with `last`; where either is absent, all on that side. */
export interface EncodedRange {
  readonly table: string
  /** The fields of a row, in this order. */
  readonly columns: readonly string[]
  readonly key: readonly string[]
  readonly after?: readonly KeyValue[] | undefined
  readonly last?: readonly KeyValue[] | undefined
}

/** A page ends behind the row with which it has so many rows or bytes. */
export interface EncodedPageSize {
  readonly rows: number
  readonly bytes: number
}
