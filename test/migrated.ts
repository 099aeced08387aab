import { readMigrations } from '@millrace/cli/migrations'
import { openDatabase } from '@millrace/drivers/open'
import { migrate } from '@millrace/db/migrate/migrate'
import type { Target } from '@millrace/db/url'
import type { DialectName } from './dialects.ts'
import { workspaceRoot } from './workspace.ts'

interface Place {
  readonly dialect: DialectName
  readonly target: Target
  readonly gatewayUrl: string
}

/** Runs all migrations of a dialect through a gateway. */
export async function migrateDatabase({ dialect, target, gatewayUrl }: Place): Promise<void> {
  const database = await openDatabase({ target, gatewayUrl })
  await migrate(database, readMigrations(workspaceRoot, dialect))
}
