import { sql } from 'drizzle-orm'
import { SQLiteAsyncDialect, getTableConfig } from 'drizzle-orm/sqlite-core'
import { drizzle } from 'drizzle-orm/sqlite-proxy'
import type { Dialect } from '../../sql/dialect.ts'
import { defineBookkeeping, defineTables } from '../../schema/schema.ts'
import { deletionWhereIn } from '../deletion.ts'
import { onConflict } from '../on-conflict.ts'
import { countedEntries } from '../newest-entry.ts'
import { onlyBuilds } from '../only-builds.ts'
import { sqliteClaim } from './claim.ts'
import { sqliteGate } from './gate.ts'
import { sqliteKit } from './kit.ts'
import { sqliteMigration } from './migration.ts'
import { sqliteReach } from './reach.ts'
import { sqliteRecording } from './recording.ts'

const writer = new SQLiteAsyncDialect()

export const sqlite: Dialect = {
  name: 'sqlite',
  tables: { ...defineTables(sqliteKit), ...defineBookkeeping(sqliteKit) },
  builder: drizzle(onlyBuilds),
  configOf: getTableConfig,
  exactText: (column) => sql`${column}`,
  contains: (column, needle) => sql`instr(${column}, ${needle}) > 0`,
  // One writer at a time, from BEGIN IMMEDIATE on.
  locking: (subquery) => subquery,
  typed: (value) => value,
  // One writer at a time: one row can stand for all.
  stripe: () => sql`'00'`,
  concat: (text, more) => sql`${text} || ${more}`,
  textBefore: (text, sign) => sql`substr(${text}, 1, instr(${text} || ${sign}, ${sign}) - 1)`,
  jsonText: (value) => sql`json_quote(${value})`,
  jsonLists: (values) => sql`json_group_array(json_array(${sql.join([...values], sql`, `)}))`,
  toSQL: (statement) => writer.sqlToQuery(statement),
  readsWithWrites: true,
  hasOneWriter: true,
  gate: sqliteGate,
  reach: sqliteReach,
  claim: sqliteClaim,
  history: countedEntries,
  recording: sqliteRecording,
  deletion: deletionWhereIn,
  orUpdate: onConflict,
  migration: sqliteMigration,
}
