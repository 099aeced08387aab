import { check, customType, index, pgTable, primaryKey, uniqueIndex } from 'drizzle-orm/pg-core'
import type { Column } from 'drizzle-orm'
import type { DocumentText } from '../../document/index.ts'
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
  indexesOfLockingReads: () => [],
  uniqueIndex,
  primaryKey,
  check,
  /** None: the type `json` has judged the text already. */
  jsonChecks: (_tableName: string, _columns: readonly Column[]) => [],
}

/** The one cast of this kit: test/types proves that its columns have SQLite's row types. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const postgresColumnKit = postgresKit as unknown as ColumnKit

const instantShape =
  /^(\d{4,})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?(?:Z|([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)$/

/** As a session whose zone is GMT writes nearly all: the engine reads it several times as fast. */
const usualShape = /^[1-9]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})?\+00$/

/**
 * Reads `timestamptz` in PostgreSQL's ISO style at any session time zone: `2026-01-31 15:00:00.123+05:30`. Before
 * standard time an offset has seconds, and east of Greenwich the last hours of 9999 are written in the year 10000.
 * @throws RangeError when the text is no moment that JavaScript knows (`infinity`).
 */
export function parsePostgresInstant(text: string): Date {
  if (usualShape.test(text)) return new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`)
  const parts = instantShape.exec(text)
  if (parts === null) throw new RangeError('a timestamp is outside what JavaScript can hold')
  const [, year, month, day, hour, minute, second, fraction = '', sign] = parts
  const [offsetHours = 0, offsetMinutes = 0, offsetSeconds = 0] = [9, 10, 11].map((group) => Number(parts[group] ?? 0))
  const local = new Date(0)
  local.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  local.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0')))
  const offsetMilliseconds = ((offsetHours * 60 + offsetMinutes) * 60 + offsetSeconds) * 1000
  return new Date(local.getTime() - (sign === '-' ? -offsetMilliseconds : offsetMilliseconds))
}
