import type { Column, SQL } from 'drizzle-orm'
import type { ArchiveEntry } from './row.ts'
import type { ArchiveColumn, ArchiveTableName } from './tables.ts'
import type { Statement } from '../sql/statement.ts'

/** How a dialect moves many rows at once. */
export interface BulkDialect {
  /** Whether many rows are written faster without the indexes that only serve reading, and those made at the end. */
  readonly makesIndexesLast: boolean
  /** Whether foreign keys can be dropped and made again, and rows be loaded faster meanwhile. */
  readonly makesForeignKeysLast: boolean
  /** Begins a transaction that doesn't wait for the locks of others for long; where the driver's time limit does not do. */
  readonly waitsBriefly?: Statement
  /**
   * Begin a transaction that waits until those that have written to the table have ended, for a while; where setting a
   * restore's mark doesn't wait for them.
   */
  readonly waitsForWriters?: (table: string) => readonly Statement[]
  /** Ends a query whose rows are to stay as they are until the transaction ends; empty where no other writes then. */
  readonly sharesRows: SQL
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
  /** Gives a row where the database can encode its rows: where all of its texts are certain to be UTF-8. Absent where it never can. */
  readonly canEncode?: Statement
  /** The type of columns that hold nothing but what the database itself has parsed as a document. */
  readonly documentType?: string
  /** Texts as one text. */
  join(texts: readonly SQL[]): SQL<string>
  /** Values as the database itself writes them as text. */
  readonly raw: RawValues
  /**
   * The texts of a subquery's rows as one, in the keys' order, each followed by `recordSeparator`; absent where it costs more
   * than to read each row's text, and `digest` is there.
   */
  readonly listed?: (text: SQL, keys: readonly SQL[]) => SQL<string | null>
  /**
   * SHA-256, hexadecimal, over the texts of a subquery's rows in the keys' order, each followed by `recordSeparator`; where
   * there is one.
   */
  readonly digest?: (text: SQL, keys: readonly SQL[]) => SQL<string | null>
}

export interface RawValues {
  /** A column's value as text; null where it is null, and `invalid` where it has none. */
  select(column: Column, spec: ArchiveColumn, invalid: SQL): SQL
  /** As `select`, of a value that is read by itself; where that is another. */
  selectAlone?(column: Column, spec: ArchiveColumn, invalid: SQL): SQL
  /** What `select` gives of that value. */
  write(spec: ArchiveColumn, value: string | number | boolean): string
  /** The values of such texts. What an archive can't hold stays text or becomes what is refused, never another value. */
  readonly flag: (text: string) => boolean | string
  readonly time: (text: string) => string
}
