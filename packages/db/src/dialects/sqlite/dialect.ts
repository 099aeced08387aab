import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/sqlite-proxy'
import type { Dialect } from '../../dialect.ts'
import { defineBookkeeping, defineTables } from '../../schema.ts'
import { onlyBuilds } from '../only-builds.ts'
import { sqliteKit } from './kit.ts'
import { sqliteMigration } from './migration.ts'

export const sqlite: Dialect = {
  name: 'sqlite',
  tables: { ...defineTables(sqliteKit), ...defineBookkeeping(sqliteKit) },
  builder: drizzle(onlyBuilds),
  exactText: (column) => sql`${column}`,
  contains: (column, needle) => sql`instr(${column}, ${needle}) > 0`,
  // One writer at a time, from BEGIN IMMEDIATE on.
  locking: (subquery) => subquery,
  migration: sqliteMigration,
}
