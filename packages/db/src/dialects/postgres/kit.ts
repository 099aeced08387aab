import { check, customType, foreignKey, index, pgTable, primaryKey, uniqueIndex } from 'drizzle-orm/pg-core'
import type { Column } from 'drizzle-orm'
import type { DocumentText } from '../../document.ts'
import type { ColumnKit } from '../sqlite/kit.ts'

/** The C collation: equality and order by bytes, whatever the database's locale. */
const textColumn = customType<{ data: string; driverData: string }>({ dataType: () => 'text collate "C"' })

/** `json`, not `jsonb`: it keeps the text as it was sent. */
const documentColumn = customType<{ data: DocumentText; driverData: string }>({ dataType: () => 'json' })

const instantColumn = customType<{ data: Date; driverData: string }>({
  dataType: () => 'timestamp(3) with time zone',
  toDriver: (moment) => moment.toISOString(),
  fromDriver: (text) => parsePostgresInstant(text),
})

const flagColumn = customType<{ data: boolean; driverData: string }>({
  dataType: () => 'boolean',
  toDriver: (isSet) => (isSet ? 'true' : 'false'),
  fromDriver: (text) => text === 't' || text === 'true',
})

const countColumn = customType<{ data: number; driverData: string }>({
  dataType: () => 'bigint',
  toDriver: String,
  fromDriver: Number,
})

export const postgresKit = {
  table: pgTable,
  id: (name: string) => textColumn(name),
  text: (name: string, _maxLength?: number) => textColumn(name),
  json: (name: string) => documentColumn(name),
  instant: (name: string) => instantColumn(name),
  flag: (name: string) => flagColumn(name),
  count: (name: string) => countColumn(name),
  index,
  uniqueIndex,
  primaryKey,
  foreignKey,
  check,
  /** None: the type `json` has judged the text already. */
  jsonChecks: (_tableName: string, _columns: readonly Column[]) => [],
}

/** The one cast of this kit: test/types proves that its columns have SQLite's row types. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const postgresColumnKit = postgresKit as unknown as ColumnKit

/**
 * Reads `timestamptz` in PostgreSQL's ISO style at any session time zone: `2026-01-31 15:00:00.123+05:30`.
 * @throws RangeError when the text is no moment that JavaScript knows (`infinity`).
 */
export function parsePostgresInstant(text: string): Date {
  const iso = text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')
  const moment = new Date(iso)
  if (Number.isNaN(moment.getTime())) throw new RangeError('a timestamp is outside what JavaScript can hold')
  return moment
}
