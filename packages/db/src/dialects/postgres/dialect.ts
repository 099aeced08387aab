import { sql } from 'drizzle-orm'
import { PgDialect, getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/pg-proxy'
import type { Dialect } from '../../sql/dialect.ts'
import { defineBookkeeping, defineTables } from '../../schema/schema.ts'
import type { Builder } from '../builder.ts'
import { deletionWhereIn } from '../deletion.ts'
import { onConflict } from '../on-conflict.ts'
import { onlyBuilds } from '../only-builds.ts'
import { postgresClaim } from './claim.ts'
import { postgresGate } from './gate.ts'
import { postgresHistory } from './history.ts'
import { postgresColumnKit } from './kit.ts'
import { postgresMigration } from './migration.ts'
import { postgresReach } from './reach.ts'
import { postgresRecording } from './recording.ts'
import { withSharedParameters } from './shared-parameters.ts'

const writer = new PgDialect()

export const postgres: Dialect = {
  name: 'postgres',
  tables: { ...defineTables(postgresColumnKit), ...defineBookkeeping(postgresColumnKit) },
  // The builder has one static type for all dialects, SQLite's; what repositories call of it, all have.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  builder: drizzle(onlyBuilds) as unknown as Builder,
  // The same of its tables: what they are, drizzle's own reader asks for.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  configOf: (table) => getTableConfig(table as unknown as PgTable),
  exactText: (column) => sql`${column}::text`,
  contains: (column, needle) => sql`strpos(${column}, ${needle}) > 0`,
  locking: (subquery) => sql`${subquery} for update`,
  // A collation is no part of a cast's type.
  skippingLocked: (subquery) => sql`${subquery} for update skip locked`,
  typed: (value, column) => sql`cast(${value} as ${sql.raw(column.getSQLType().replace(/ collate .*/, ''))})`,
  // No md5: servers that keep to FIPS 140 refuse it.
  stripe: (text) => sql`right(encode(sha256(convert_to(cast(${text} as text), 'UTF8')), 'hex'), 2)`,
  concat: (text, more) => sql`${text} || ${more}`,
  textBefore: (text, sign) => sql`split_part(${text}, ${sign}, 1)`,
  jsonText: (value) => sql`to_json(${value}::text)::text`,
  jsonLists: (values) => sql`coalesce(json_agg(json_build_array(${sql.join([...values], sql`, `)}))::text, '[]')`,
  toSQL: (statement) => withSharedParameters(writer.sqlToQuery(statement)),
  readsWithWrites: true,
  hasOneWriter: false,
  gate: postgresGate,
  reach: postgresReach,
  claim: postgresClaim,
  history: postgresHistory,
  recording: postgresRecording,
  deletion: deletionWhereIn,
  orUpdate: onConflict,
  migration: postgresMigration,
}
