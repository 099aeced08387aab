import { check, customType, index, primaryKey, sqliteTable, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { sql, type Column } from 'drizzle-orm'
import type { DocumentText } from '../../document/index.ts'

const textColumn = customType<{ data: string; driverData: string }>({ dataType: () => 'text' })

const documentColumn = customType<{ data: DocumentText; driverData: string }>({ dataType: () => 'text' })

/** Integer milliseconds since the epoch. libSQL sends every JavaScript number as a float, so integers travel as bigint. */
const instantColumn = customType<{ data: Date; driverData: bigint }>({
  dataType: () => 'integer',
  toDriver: (moment) => BigInt(moment.getTime()),
  fromDriver: (milliseconds) => new Date(Number(milliseconds)),
})

const flagColumn = customType<{ data: boolean; driverData: bigint }>({
  dataType: () => 'integer',
  toDriver: (isSet) => (isSet ? 1n : 0n),
  fromDriver: (stored) => Number(stored) !== 0,
})

const countColumn = customType<{ data: number; driverData: bigint }>({
  dataType: () => 'integer',
  toDriver: BigInt,
  fromDriver: Number,
})

type IndexOn = ReturnType<typeof index>['on']
type NamedIndexes = (name: string, ...columns: Parameters<IndexOn>) => ReturnType<IndexOn>[]

const noIndexes: NamedIndexes = () => []

/** The column kit of SQLite, and the static type of every other dialect's kit. */
export const sqliteKit = {
  table: sqliteTable,
  /** An opaque id or another key of at most 64 characters, compared by bytes. */
  id: (name: string) => textColumn(name),
  /** Text, compared by bytes; with a length where an index or a limit needs one. */
  text: (name: string, _maxLength?: number) => textColumn(name),
  /** A JSON document's exact text. */
  json: (name: string) => documentColumn(name),
  /** A moment, to the millisecond. */
  instant: (name: string) => instantColumn(name),
  flag: (name: string) => flagColumn(name),
  /** A safe integer. */
  count: (name: string) => countColumn(name),
  index,
  /** Indexes for dialects where reading for an update locks all that is read, and so must not read what it does not want. */
  indexesOfLockingReads: noIndexes,
  uniqueIndex,
  primaryKey,
  check,
  /**
   * A check a document column that it holds JSON, named after its column. `json_valid(null)` is 0 in SQLite before 3.45,
   * which may read a dump of this schema, and null from then on.
   */
  jsonChecks: (tableName: string, columns: readonly Column[]) =>
    columns.map((column) =>
      check(`${tableName}_${column.name}_check`, sql`${column} is null or json_valid(${column})`),
    ),
}

export type ColumnKit = typeof sqliteKit
