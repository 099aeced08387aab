import type { Dialect, DialectName } from '../../sql/dialect.ts'
import { mysqlForeign } from '../../dialects/mysql/foreign.ts'
import { postgresForeign } from '../../dialects/postgres/foreign.ts'
import { sqliteForeign } from '../../dialects/sqlite/foreign.ts'
import type { ForeignDialect } from './foreign.ts'

const foreignDialects: Readonly<Record<DialectName, ForeignDialect>> = {
  sqlite: sqliteForeign,
  postgres: postgresForeign,
  mysql: mysqlForeign,
}

/** Apart from the dialect itself: what serves requests does not load it. */
export function foreignOf({ name }: Dialect): ForeignDialect {
  return foreignDialects[name]
}
