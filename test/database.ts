import { startGateway, type Gateway } from '@millrace/gateway'
import { readMigrations } from '@millrace/cli/migrations'
import type { Database } from '@millrace/db/store/database'
import { openDatabase } from '@millrace/drivers/open'
import { migrate } from '@millrace/db/migrate/migrate'
import type { Migration } from '@millrace/db/sql/migration'
import type { Target } from '@millrace/db/url'
import { targetOf } from './target.ts'
import { migratedDatabase } from './templates.ts'
import { workspaceRoot } from './workspace.ts'
import { freshDatabase, type DialectName, type TestDatabase } from './dialects.ts'

export { targetOf }

/** An empty database with a gateway in front of it, as `packages/db` reaches it. */
export interface ReachedDatabase {
  readonly raw: TestDatabase
  readonly target: Target
  readonly gateway: Gateway
  readonly database: Database
  readonly migrations: readonly Migration[]
  stop(): Promise<void>
}

/** Opens a new database through a gateway of its own; migrated unless told otherwise, `itself` where that is tested. */
export async function reachDatabase(
  dialect: DialectName,
  { isMigrated = true }: { readonly isMigrated?: boolean | 'itself' } = {},
): Promise<ReachedDatabase> {
  const raw = isMigrated === true ? await migratedDatabase(dialect) : await freshDatabase(dialect)
  const target = targetOf(raw.url)
  const gateway = await startGateway({ target })
  const database = await openDatabase({ target, gatewayUrl: gateway.url })
  const migrations = readMigrations(workspaceRoot, dialect)
  if (isMigrated === 'itself') await migrate(database, migrations)
  return {
    raw,
    target,
    gateway,
    database,
    migrations,
    async stop() {
      await gateway.close()
      await raw.drop()
    },
  }
}
