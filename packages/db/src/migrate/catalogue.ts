import type { Statement } from '../sql/statement.ts'

/** What a database has, or should have, in words that compare: types and names as its own catalogue spells them. */
export type SchemaShape = ReadonlyMap<string, TableShape>

export interface TableShape {
  readonly columns: readonly ColumnShape[]
  readonly primaryKey: readonly string[]
  readonly indexes: readonly IndexShape[]
  readonly foreignKeys: readonly ForeignKeyShape[]
}

export interface ColumnShape {
  readonly name: string
  readonly type: string
  readonly isNullable: boolean
  /** Of text; undefined where the type has none or the dialect knows only one. */
  readonly collation: string | undefined
}

export interface IndexShape {
  readonly name: string
  readonly columns: readonly string[]
  readonly isUnique: boolean
}

export interface ForeignKeyShape {
  readonly name: string
  readonly columns: readonly string[]
  readonly target: string
  readonly targetColumns: readonly string[]
}

/** What the comparison needs to know of a dialect. */
export interface Catalogue {
  /** What the code needs, the migrator's own tables apart. */
  readonly expected: SchemaShape
  /** Rows of: table, column, type, `1` when nullable, collation or null. In the order of the columns. */
  readonly columns: Statement
  /** Rows of: table, index, `1` when unique, `1` when it is the primary key, column. In the order of the columns. */
  readonly indexes: Statement
  /** Rows of: table, constraint, column, target table, target column. In the order of the columns. */
  readonly foreignKeys: Statement
  readonly quote: (name: string) => string
  /** A text as SQL has it, for statements that people run. */
  readonly literal: (text: string) => string
  /** The statements that mend; undefined where the dialect can't by a statement. */
  addColumn(table: string, column: ColumnShape): string | undefined
  changeColumn(table: string, column: ColumnShape): string | undefined
  addForeignKey(table: string, key: ForeignKeyShape): string | undefined
}
