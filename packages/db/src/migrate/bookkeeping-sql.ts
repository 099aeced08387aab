import type { DialectName } from '../sql/dialect.ts'
import { mysqlMigration } from '../dialects/mysql/migration.ts'
import { postgresMigration } from '../dialects/postgres/migration.ts'
import { sqliteMigration } from '../dialects/sqlite/migration.ts'

const migrationDialects = { sqlite: sqliteMigration, postgres: postgresMigration, mysql: mysqlMigration }

/** The SQL of the migrator's own two tables, for whoever has to apply it by other means. */
export function bookkeepingSql(name: DialectName): readonly string[] {
  return migrationDialects[name].bookkeepingTables.map(({ text }) => text)
}
