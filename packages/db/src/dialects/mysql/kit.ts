import { check, customType, index, mysqlTable, primaryKey, uniqueIndex } from 'drizzle-orm/mysql-core'
import { sql, type Column } from 'drizzle-orm'
import type { DocumentText } from '../../document/index.ts'
import type { ColumnKit } from '../sqlite/kit.ts'

/** Named on every column: a server's default may be latin1, and its default collation ignores case. */
const byBytes = 'character set utf8mb4 collate utf8mb4_bin'

const textColumn = customType<{ data: string; driverData: string; config: { maxLength?: number } }>({
  dataType: (config) =>
    config?.maxLength === undefined ? `longtext ${byBytes}` : `varchar(${config.maxLength}) ${byBytes}`,
})

/** Never the type JSON: it would re-serialise the document. */
const documentColumn = customType<{ data: DocumentText; driverData: string }>({ dataType: () => `longtext ${byBytes}` })

/** `datetime(3)` holds UTC without saying so: written and read as such. */
const instantColumn = customType<{ data: Date; driverData: string }>({
  dataType: () => 'datetime(3)',
  toDriver: (moment) => moment.toISOString().replace('T', ' ').replace('Z', ''),
  fromDriver: (text) => new Date(`${text.replace(' ', 'T')}Z`),
})

const flagColumn = customType<{ data: boolean; driverData: number | string }>({
  dataType: () => 'tinyint(1)',
  toDriver: (isSet) => (isSet ? 1 : 0),
  fromDriver: (stored) => Number(stored) !== 0,
})

const countColumn = customType<{ data: number; driverData: number }>({
  dataType: () => 'bigint',
  toDriver: Number,
  fromDriver: Number,
})

export const mysqlKit = {
  table: mysqlTable,
  id: (name: string) => textColumn(name, { maxLength: 64 }),
  text: (name: string, maxLength?: number) => textColumn(name, maxLength === undefined ? {} : { maxLength }),
  json: (name: string) => documentColumn(name),
  instant: (name: string) => instantColumn(name),
  flag: (name: string) => flagColumn(name),
  count: (name: string) => countColumn(name),
  index,
  indexesOfLockingReads: (name: string, ...columns: Parameters<ReturnType<typeof index>['on']>) => [
    index(name).on(...columns),
  ],
  uniqueIndex,
  primaryKey,
  check,
  /**
   * MariaDB's `json_valid` is false from 32 levels on, MySQL's for a number that no double holds (`1e400`): what these
   * can't judge, the API has judged, and the check lets pass.
   */
  jsonChecks: (tableName: string, columns: readonly Column[]) =>
    columns.map((column) =>
      check(
        `${tableName}_${column.name}_check`,
        sql`(json_valid(${column}) or char_length(${column}) - char_length(replace(replace(${column}, '[', ''), '{', '')) >= 32 or ${column} regexp '[0-9]{300}|[eE][+]?[0-9]{3}')`,
      ),
    ),
}

/** The one cast of this kit: test/types proves that its columns have SQLite's row types. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
export const mysqlColumnKit = mysqlKit as unknown as ColumnKit
