import type { BulkDialect } from './bulk.ts'
import type { DialectName } from '../sql/dialect.ts'
import { mysqlBulk } from '../dialects/mysql/bulk.ts'
import { postgresBulk } from '../dialects/postgres/bulk.ts'
import { sqliteBulk } from '../dialects/sqlite/bulk.ts'

const bulkDialects: Readonly<Record<DialectName, BulkDialect>> = {
  sqlite: sqliteBulk,
  postgres: postgresBulk,
  mysql: mysqlBulk,
}

/** How a dialect moves many rows. No member of it: requests never do, and the functions' script is to be small (ADR 35). */
export function bulkOf({ name }: { readonly name: DialectName }): BulkDialect {
  return bulkDialects[name]
}
