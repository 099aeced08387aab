import { toolsOf } from '../dialects/tools.ts'
import type { ColumnShape, ForeignKeyShape, IndexShape, SchemaShape } from './catalogue.ts'
import type { Statement } from '../sql/statement.ts'
import type { Transport } from '../sql/transport.ts'

/** Reads what is there, in three round trips. */
export async function readSchema(transport: Transport): Promise<SchemaShape> {
  const catalogue = toolsOf(transport.dialect).catalogue
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
