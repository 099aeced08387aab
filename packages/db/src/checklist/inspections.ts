import type { Dialect, DialectName } from '../sql/dialect.ts'
import { mysqlInspection } from '../dialects/mysql/inspection.ts'
import { postgresInspection } from '../dialects/postgres/inspection.ts'
import { sqliteInspection } from '../dialects/sqlite/inspection.ts'
import type { InspectionDialect } from './inspection.ts'

const inspections: Readonly<Record<DialectName, InspectionDialect>> = {
  sqlite: sqliteInspection,
  postgres: postgresInspection,
  mysql: mysqlInspection,
}

/** Apart from the dialect itself: what serves requests does not load it. */
export function inspectionOf({ name }: Dialect): InspectionDialect {
  return inspections[name]
}
