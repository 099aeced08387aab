import type { Column, Table } from 'drizzle-orm'

/** What a table declares, as drizzle's `getTableConfig` gives it on every dialect. */
export interface TableConfig {
  readonly name: string
  readonly columns: readonly Column[]
  readonly primaryKeys: readonly { readonly columns: readonly Column[] }[]
  readonly indexes: readonly { readonly config: IndexConfig }[]
  readonly foreignKeys: readonly { getName(): string; reference(): ForeignKeyReference }[]
}

interface IndexConfig {
  readonly name?: string | undefined
  readonly columns: readonly unknown[]
  readonly unique?: boolean | undefined
}

interface ForeignKeyReference {
  readonly columns: readonly Column[]
  readonly foreignTable: Table
  readonly foreignColumns: readonly Column[]
}
