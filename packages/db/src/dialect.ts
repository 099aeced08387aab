import type { Column, SQL } from 'drizzle-orm'
import type { Builder } from './dialects/builder.ts'
import type { MigrationDialect } from './migration.ts'
import type { Tables } from './schema.ts'

export type DialectName = 'sqlite' | 'postgres' | 'mysql'

/** What differs between the databases, by name; nothing outside dialects/ asks which database it is. */
export interface Dialect {
  readonly name: DialectName
  readonly tables: Tables
  readonly builder: Builder
  /** The column's exact text, comparable with `=`. */
  exactText(column: Column): SQL<string>
  /** Whether the text column contains the needle, by bytes. */
  contains(column: Column, needle: SQL): SQL
  /** Locks the rows that a subquery reads until the transaction ends, where the database doesn't do so by itself. */
  locking(subquery: SQL): SQL
  readonly migration: MigrationDialect
}
