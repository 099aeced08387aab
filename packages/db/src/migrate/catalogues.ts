import type { Dialect, DialectName } from '../sql/dialect.ts'
import { mysqlCatalogue } from '../dialects/mysql/catalogue.ts'
import { postgresCatalogue } from '../dialects/postgres/catalogue.ts'
import { sqliteCatalogue } from '../dialects/sqlite/catalogue.ts'
import type { Catalogue } from './schema-shape.ts'

const catalogues: Readonly<Record<DialectName, Catalogue>> = {
  sqlite: sqliteCatalogue,
  postgres: postgresCatalogue,
  mysql: mysqlCatalogue,
}

/** Apart from the dialect itself: what serves requests does not load it. */
export function catalogueOf({ name }: Dialect): Catalogue {
  return catalogues[name]
}
