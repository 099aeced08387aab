import type { Column, SQL } from 'drizzle-orm'
import type { ArchiveEntry } from './archive/row.ts'
import type { ArchiveColumn, ArchiveTableName } from './archive/tables.ts'
import type { Statement } from './statement.ts'

/** How a dialect moves many rows at once. */
export interface BulkDialect {
  /** Length of the column's text in bytes, 0 for null. */
  byteLength(column: Column): SQL<number>
  /** One statement that inserts all of the rows; each row's text is JSON of its values. */
  insertRows(table: ArchiveTableName, columns: readonly ArchiveColumn[], rows: readonly ArchiveEntry[]): Statement
  /**
   * Finds keys that an index has in another order than by their bytes, where there can be such: then rows have to be
   * sorted by `sortKey` instead.
   */
  readonly misplacedKey?: (column: Column) => SQL
  /** The column, or a value for it, as something that sorts by bytes. */
  sortKey(value: Column | SQL): SQL
}
