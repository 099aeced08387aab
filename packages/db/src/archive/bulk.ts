import type { Column, SQL } from 'drizzle-orm'
import type { ArchiveEntry } from './row.ts'
import type { ArchiveColumn, ArchiveTableName } from './tables.ts'
import type { Statement } from '../sql/statement.ts'

/** How a dialect moves many rows at once. */
export interface BulkDialect {
  /** Whether many rows are written faster without the indexes that only serve reading, and those made at the end. */
  readonly makesIndexesLast: boolean
  /** Begins a transaction that doesn't wait for the locks of others for long; where the driver's time limit does not do. */
  readonly waitsBriefly?: Statement
  /** How many pages are written at the same time, each by a connection of its own. */
  readonly writesAtOnce: number
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
  /** Texts as one text. */
  join(texts: readonly SQL[]): SQL<string>
  /**
   * A column's value as JSON, by the database's own functions; null where it is null. What no archive can hold becomes
   * JSON that is refused as such, never another value.
   */
  json(column: Column, spec: ArchiveColumn): SQL
  /** The texts of a subquery's rows as one, in the keys' order and with LF between. It may be cut where it is long. */
  readonly listed: (text: SQL, keys: readonly SQL[]) => SQL<string | null>
  /** SHA-256, hexadecimal, over the texts of a subquery's rows in the keys' order, each followed by LF; where there is one. */
  readonly digest?: (text: SQL, keys: readonly SQL[]) => SQL<string | null>
}
