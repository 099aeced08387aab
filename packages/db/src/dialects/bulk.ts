import type { BulkDialect } from '../bulk.ts'
import type { DialectName } from '../dialect.ts'
import { mysqlBulk } from './mysql/bulk.ts'
import { postgresBulk } from './postgres/bulk.ts'
import { sqliteBulk } from './sqlite/bulk.ts'

const bulkDialects: Readonly<Record<DialectName, BulkDialect>> = {
  sqlite: sqliteBulk,
  postgres: postgresBulk,
  mysql: mysqlBulk,
}

/** How a dialect moves many rows. No member of it: requests never do, and the functions' script is to be small (ADR 35). */
export function bulkOf({ name }: { readonly name: DialectName }): BulkDialect {
  return bulkDialects[name]
}
