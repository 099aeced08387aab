import { catalogueOf } from './catalogues.ts'
import type { Statement } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'

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

/** Reads what is there, in three round trips. */
export async function readSchema(transport: Transport): Promise<SchemaShape> {
  const catalogue = catalogueOf(transport.dialect)
  const tables = new Map<string, MutableTable>()
  const tableOf = (name: string): MutableTable => {
    const known: MutableTable = tables.get(name) ?? {
      columns: [],
      primaryKey: [],
      indexes: new Map(),
      foreignKeys: new Map(),
    }
    tables.set(name, known)
    return known
  }
  for (const [table, name, type, isNullable, collation] of await texts(transport, catalogue.columns)) {
    tableOf(table).columns.push({
      name,
      type: type.toLowerCase(),
      isNullable: isNullable === '1',
      collation: collation === '' ? undefined : collation,
    })
  }
  for (const [table, name, isUnique, isPrimary, column] of await texts(transport, catalogue.indexes)) {
    const { indexes, primaryKey } = tableOf(table)
    if (isPrimary === '1') primaryKey.push(column)
    const index = indexes.get(name) ?? { name, columns: [], isUnique: isUnique === '1' }
    index.columns.push(column)
    indexes.set(name, index)
  }
  for (const [table, name, column, target, targetColumn] of await texts(transport, catalogue.foreignKeys)) {
    const { foreignKeys } = tableOf(table)
    const key = foreignKeys.get(name) ?? { name, columns: [], target, targetColumns: [] }
    key.columns.push(column)
    key.targetColumns.push(targetColumn)
    foreignKeys.set(name, key)
  }
  return new Map(
    [...tables].map(([name, table]) => [
      name,
      { ...table, indexes: [...table.indexes.values()], foreignKeys: [...table.foreignKeys.values()] },
    ]),
  )
}

interface MutableTable {
  readonly columns: ColumnShape[]
  readonly primaryKey: string[]
  readonly indexes: Map<string, IndexShape & { readonly columns: string[] }>
  readonly foreignKeys: Map<string, ForeignKeyShape & { readonly columns: string[]; readonly targetColumns: string[] }>
}

type Five = readonly [string, string, string, string, string]

async function texts(transport: Transport, statement: Statement): Promise<readonly Five[]> {
  const { rows } = await transport.run(statement)
  return rows.map((row) => {
    const [first, second, third, fourth, fifth] = row.map(textOf)
    return [first ?? '', second ?? '', third ?? '', fourth ?? '', fifth ?? '']
  })
}

/** Names and types come as text, or, from MySQL's catalogue, as the bytes of it. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  return typeof value === 'string' ? value : JSON.stringify(value, bigintAsText)
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}
