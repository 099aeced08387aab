import type { ForeignDialect } from '../archive/adopt/foreign.ts'
import type { BulkDialect } from '../archive/bulk.ts'
import type { InspectionDialect } from '../checklist/inspection.ts'
import type { Catalogue } from '../migrate/catalogue.ts'
import type { DialectName } from '../sql/dialect.ts'
import type { MigrationDialect } from '../sql/migration.ts'
import type { Transport } from '../sql/transport.ts'
import { mysqlBulk } from './mysql/bulk.ts'
import { mysqlCatalogue } from './mysql/catalogue.ts'
import { mysqlForeign } from './mysql/foreign.ts'
import { mysqlInspection } from './mysql/inspection.ts'
import { mysqlMigration } from './mysql/migration.ts'
import { postgresBulk } from './postgres/bulk.ts'
import { postgresCatalogue } from './postgres/catalogue.ts'
import { postgresForeign } from './postgres/foreign.ts'
import { postgresInspection } from './postgres/inspection.ts'
import { postgresMigration } from './postgres/migration.ts'
import { sqliteBulk } from './sqlite/bulk.ts'
import { sqliteCatalogue } from './sqlite/catalogue.ts'
import { sqliteForeign } from './sqlite/foreign.ts'
import { d1Inspection, sqliteInspection } from './sqlite/inspection.ts'
import { sqliteMigration } from './sqlite/migration.ts'

/** How a dialect compares, moves, adopts and examines a whole database. */
interface DialectTools {
  readonly catalogue: Catalogue
  readonly bulk: BulkDialect
  readonly foreign: ForeignDialect
  readonly inspection: InspectionDialect
  /** As the dialect's own member, by the dialect's name alone. */
  readonly migration: MigrationDialect
}

const tools: Readonly<Record<DialectName, DialectTools>> = {
  sqlite: {
    catalogue: sqliteCatalogue,
    bulk: sqliteBulk,
    foreign: sqliteForeign,
    inspection: sqliteInspection,
    migration: sqliteMigration,
  },
  postgres: {
    catalogue: postgresCatalogue,
    bulk: postgresBulk,
    foreign: postgresForeign,
    inspection: postgresInspection,
    migration: postgresMigration,
  },
  mysql: {
    catalogue: mysqlCatalogue,
    bulk: mysqlBulk,
    foreign: mysqlForeign,
    inspection: mysqlInspection,
    migration: mysqlMigration,
  },
}

/** No members of the dialect: requests never need them, and the functions' script is to be small (ADR 35). */
export function toolsOf({ name }: { readonly name: DialectName }): DialectTools {
  return tools[name]
}

export function inspectionOf({ dialect, platform }: Pick<Transport, 'dialect' | 'platform'>): InspectionDialect {
  return platform === 'd1' ? d1Inspection : toolsOf(dialect).inspection
}
