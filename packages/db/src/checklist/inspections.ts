import type { DialectName } from '../sql/dialect.ts'
import type { Transport } from '../sql/transport.ts'
import { mysqlInspection } from '../dialects/mysql/inspection.ts'
import { postgresInspection } from '../dialects/postgres/inspection.ts'
import { d1Inspection, sqliteInspection } from '../dialects/sqlite/inspection.ts'
import type { InspectionDialect } from './inspection.ts'

const inspections: Readonly<Record<DialectName, InspectionDialect>> = {
  sqlite: sqliteInspection,
  postgres: postgresInspection,
  mysql: mysqlInspection,
}

/** Apart from the dialect itself: what serves requests does not load it. */
export function inspectionOf({ dialect, platform }: Pick<Transport, 'dialect' | 'platform'>): InspectionDialect {
  return platform === 'd1' ? d1Inspection : inspections[dialect.name]
}
