import type { Column, SQL } from 'drizzle-orm'
import type { ClaimDialect } from './claiming.ts'
import type { Builder } from '../dialects/builder.ts'
import type { GateDialect } from './gate.ts'
import type { HistoryDialect } from './history.ts'
import type { MigrationDialect } from './migration.ts'
import type { RecordingDialect } from './recording.ts'
import type { ReachDialect } from './reaching.ts'
import type { RowSizeDialect } from './row-size.ts'
import type { TableConfig } from './table-config.ts'
import type { Tables } from '../schema/schema.ts'

export type { BuilderColumn } from '../dialects/builder.ts'

export type DialectName = 'sqlite' | 'postgres' | 'mysql'

/** What differs between the databases, by name; nothing outside dialects/ asks which database it is. */
export interface Dialect {
  readonly name: DialectName
  readonly tables: Tables
  readonly builder: Builder
  /** What a table of `tables` declares. */
  readonly configOf: (table: Tables[keyof Tables]) => TableConfig
  /** The column's exact text, comparable with `=`. */
  exactText(column: Column): SQL<string>
  /** Whether the text column contains the needle, by bytes. */
  contains(column: Column, needle: SQL): SQL
  /** Locks the rows that a subquery reads until the transaction ends, where the database doesn't do so by itself. */
  locking(subquery: SQL): SQL
  /** Locks of the rows that a subquery reads those alone that no other transaction has locked, and passes over the others. */
  readonly skippingLocked?: (subquery: SQL) => SQL
  /** Deletes the rows whose column has one of the values that a subquery gives as `chosen_id`. */
  deletion(column: Column, chosen: SQL): SQL
  /** Ends an insert: where a row with that unique key is there, its columns are set to what was to be inserted. */
  orUpdate(key: readonly Column[], columns: readonly Column[]): SQL
  /** The value as one of the column's type, where the database can't tell by the place that it stands in. */
  typed(value: SQL, column: Column): SQL
  /** A text of few values, of which equal texts have the same: what can be locked in a text's place. */
  stripe(text: SQL): SQL
  /** Two texts as one; the second may be a number. */
  concat(text: SQL, more: SQL): SQL
  /** The text up to the first sign, all of it where there is none. */
  textBefore(text: SQL, sign: string): SQL
  /** A text as a JSON string, with its quotes and escapes; null of null. */
  jsonText(value: SQL): SQL<string>
  /** The JSON text of a list of lists, one per row of the aggregate: `[["a",1],["b",2]]`, `[]` where there is no row. */
  jsonLists(values: readonly SQL[]): SQL<string>
  /** The SQL of a statement that the builder can't write. */
  toSQL(statement: SQL): { readonly sql: string; readonly params: unknown[] }
  /** Whether writes and a read of what they left take one round trip. */
  readonly readsWithWrites: boolean
  /** Whether all writers of the database wait for each other, and none is sure of its turn. */
  readonly hasOneWriter: boolean
  readonly gate: GateDialect
  readonly reach: ReachDialect
  readonly claim: ClaimDialect
  readonly history: HistoryDialect
  readonly recording: RecordingDialect
  readonly migration: MigrationDialect
  /** Where the platform has a limit for a row that its server does not keep. */
  readonly rowSize?: RowSizeDialect
}
