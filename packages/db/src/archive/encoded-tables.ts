import { toolsOf } from '../dialects/tools.ts'
import type { EncodedPageSize, KeyValue } from '../sql/encoded-rows.ts'
import type { Snapshot } from '../sql/snapshot.ts'
import { EncodedPage, type EncodedTable } from './encoded-page.ts'
import type { ArchiveRow, RowPage } from './row.ts'
import { archiveTables, type ArchiveTable, type ArchiveTableName } from './tables.ts'

export type EncodedTables = ReadonlyMap<ArchiveTableName, EncodedTable>

type Encoding = Pick<Snapshot, 'dialect' | 'run'>

/** As pages of values: where a page's rows are made after all, as for another kind of database, memory holds all of them. */
export const encodedPageSize: EncodedPageSize = { rows: 500, bytes: 512 * 1024 }

/** The tables whose columns are all of the types of the schema: others would be encoded in another way. */
export async function encodedTables(database: Encoding): Promise<EncodedTables> {
  const { catalogue, bulk } = toolsOf(database.dialect)
  const found = new Map<ArchiveTableName, EncodedTable>()
  if (bulk.canEncode === undefined || (await database.run(bulk.canEncode)).rows.length === 0) return found
  const { rows } = await database.run(catalogue.columns)
  const types = new Map(rows.map(([table, column, type]) => [`${String(table)}.${String(column)}`, String(type)]))
  for (const table of archiveTables) {
    const expected = new Map(catalogue.expected.get(table.name)?.columns.map(({ name, type }) => [name, type]))
    if (!table.columns.every(({ name }) => types.get(`${table.name}.${name}`) === expected.get(name))) continue
    const documents = table.columns.filter(({ kind }) => kind === 'document').map(({ name }) => name)
    const parsed = documents.filter((name) => expected.get(name) === bulk.documentType)
    found.set(table.name, { table, parsed: new Set(parsed) })
  }
  return found
}

/** A table's rows in order. */
export async function* encodedPages(
  readEncoded: NonNullable<Snapshot['readEncoded']>,
  encoded: EncodedTable,
  size: EncodedPageSize,
): AsyncGenerator<RowPage> {
  for await (const rows of readEncoded(rangeOf(encoded.table), size)) yield new EncodedPage(encoded, rows)
}

/** All of a table. */
export function rangeOf({ name, columns, key }: ArchiveTable) {
  return { table: name, columns: columns.map((column) => column.name), key }
}

/** A row's key. */
export function keyValues({ key }: ArchiveTable, row: ArchiveRow): readonly KeyValue[] {
  return key.map((name) => {
    const value = row[name]
    return typeof value === 'number' ? value : String(value)
  })
}
