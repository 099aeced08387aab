import { toolsOf } from '../dialects/tools.ts'
import type { DialectName } from '../sql/dialect.ts'

/** The SQL of the migrator's own two tables, for whoever has to apply it by other means. */
export function bookkeepingSql(name: DialectName): readonly string[] {
  return toolsOf({ name }).migration.bookkeepingTables.map(({ text }) => text)
}
