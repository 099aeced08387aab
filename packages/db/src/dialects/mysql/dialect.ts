import { sql } from 'drizzle-orm'
import { MySqlDialect, getTableConfig, type MySqlTable } from 'drizzle-orm/mysql-core'
import { drizzle } from 'drizzle-orm/mysql-proxy'
import type { Dialect } from '../../sql/dialect.ts'
import { defineBookkeeping, defineTables } from '../../schema/schema.ts'
import type { Builder } from '../builder.ts'
import { countedEntries } from '../newest-entry.ts'
import { onlyBuilds } from '../only-builds.ts'
import { mysqlClaim } from './claim.ts'
import { mysqlGate } from './gate.ts'
import { mysqlColumnKit } from './kit.ts'
import { mysqlMigration } from './migration.ts'
import { mysqlReach } from './reach.ts'
import { mysqlRecording } from './recording.ts'

const writer = new MySqlDialect()

export const mysql: Dialect = {
  name: 'mysql',
  tables: { ...defineTables(mysqlColumnKit), ...defineBookkeeping(mysqlColumnKit) },
  // The builder has one static type for all dialects, SQLite's; what repositories call of it, all have.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  builder: drizzle(onlyBuilds) as unknown as Builder,
  // The same of its tables: what they are, drizzle's own reader asks for.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  configOf: (table) => getTableConfig(table as unknown as MySqlTable),
  // Its collations take 'a' and 'a ' for the same (PAD SPACE); bytes don't.
  exactText: (column) => sql`cast(${column} as binary)`,
  contains: (column, needle) => sql`instr(${column}, ${needle}) > 0`,
  locking: (subquery) => sql`${subquery} for update`,
  skippingLocked: (subquery) => sql`${subquery} for update skip locked`,
  // With `in` it would read the whole table, and ask the subquery for each row.
  deletion: (column, chosen) =>
    sql`delete ${column.table} from (${chosen}) chosen join ${column.table} on ${column} = chosen.chosen_id`,
  typed: (value) => value,
  // MySQL 9.6 has no md5 any more, unless somebody installs it.
  stripe: (text) => sql`right(sha2(${text}, 256), 2)`,
  concat: (text, more) => sql`concat(${text}, ${more})`,
  textBefore: (text, sign) => sql`substring_index(${text}, ${sign}, 1)`,
  jsonText: (value) => sql`json_quote(${value})`,
  jsonLists: (values) => sql`coalesce(json_arrayagg(json_array(${sql.join([...values], sql`, `)})), '[]')`,
  toSQL: (statement) => writer.sqlToQuery(statement),
  readsWithWrites: false,
  hasOneWriter: false,
  gate: mysqlGate,
  reach: mysqlReach,
  claim: mysqlClaim,
  history: countedEntries,
  recording: mysqlRecording,
  orUpdate(_key, columns) {
    // `values(column)`: MySQL's newer alias for the inserted row is unknown to MariaDB.
    const sets = columns.map(({ name }) => sql`${sql.identifier(name)} = values(${sql.identifier(name)})`)
    return sql`on duplicate key update ${sql.join(sets, sql`, `)}`
  },
  migration: mysqlMigration,
}
