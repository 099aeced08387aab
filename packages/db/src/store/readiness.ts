import { anchorLost, isAnchor, restoreError } from '../access/access.ts'
import type { Database } from './database.ts'
import type { DialectName } from '../sql/dialect.ts'
import { schemaNumber } from '../schema/known-migrations.ts'
import { defineQuery } from '../sql/building.ts'
import type { TripObserver } from '../sql/transport.ts'

export interface Readiness {
  readonly dialect: DialectName
  /** Number of the newest migration that this code needs. */
  readonly schema: number
}

const markQuery = defineQuery<object>()((dialect) =>
  dialect.builder.select({ restore: dialect.tables.marks.value }).from(dialect.tables.marks).where(isAnchor(dialect)),
)

/**
 * Whether requests can be served: reachable, migrated, no restore under way.
 * @throws DatabaseError when not.
 */
export async function readiness(database: Database, observer?: TripObserver): Promise<Readiness> {
  const store = database.store(observer)
  const [row] = await store.read(markQuery(store.dialect, {}))
  if (row === undefined) throw anchorLost()
  if (row.restore !== null) throw restoreError()
  return { dialect: store.dialect.name, schema: schemaNumber }
}
