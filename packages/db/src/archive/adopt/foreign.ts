import type { Cell } from './cell.ts'

/** How a dialect reads tables that another program made, whatever the types of their columns are. */
export interface ForeignDialect {
  /** An expression for a column's exact value, which no driver alters or fails on; `column` is quoted. */
  cell(column: string, type: string): string
  /** Its length in bytes, 0 for null. */
  cellBytes(column: string, type: string): string
  /** What the driver gave for a `cell`. */
  readCell(value: unknown, type: string): Cell
  /** A number or place that each row has by itself; undefined where rows have none. */
  readonly rowNumber: RowNumber | undefined
}

export interface RowNumber {
  readonly column: string
  /** Whether reading by it is as fast as by the primary key, and surer. */
  readonly isPreferred: boolean
}
