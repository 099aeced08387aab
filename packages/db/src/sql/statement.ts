/** SQL text and the values for its parameters, in order, as the driver takes them. */
export interface Statement {
  readonly text: string
  readonly parameters: readonly unknown[]
  /** When it affects no row, whatever follows in its batch has nothing to do: the batch counts as not done. */
  readonly isGate?: boolean
  /** Of a gate: when it affects no row, the transport sends nothing more, undoes the batch and throws `isGateClosed`. */
  readonly endsBatch?: boolean
  /** How long its round trip may take, where that is not what the database's settings say. */
  readonly timeoutSeconds?: number
  /** How many columns its rows have, where it is built from a selection. */
  readonly columns?: number
  /** Set where what decodes its rows makes numbers of whole numbers: a driver that has them as bigint need not. */
  readonly readsNumbers?: boolean
}

/** A statement that gives rows. */
export interface Query<Row> extends Statement {
  /** Turns a row, as the driver has it, into the row's type. */
  decode(values: readonly unknown[]): Row
}

/** What a statement did: its rows as arrays of the driver's values, and how many rows it changed. */
export interface RawResult {
  readonly rows: readonly (readonly unknown[])[]
  readonly affected: number
  /** What `last_insert_id(…)` in the statement was given, where the dialect has that; else undefined. */
  readonly insertId?: bigint | undefined
}
