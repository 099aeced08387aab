import { readMigrations } from '@millrace/cli/migrations'
import { bindingClient } from '@millrace/drivers/d1/binding'
import { openDatabase } from '@millrace/drivers/open'
import { migrate } from '@millrace/db/migrate/migrate'
import type { D1Binding } from '@millrace/drivers/d1/client'
import { targetOf } from '../database.ts'
import type { TestDatabase } from '../dialects.ts'
import { workspaceRoot } from '../workspace.ts'
import { d1Binding, testDatabaseOf } from './d1.ts'
import { runWorker, type BuiltWorker } from './worker.ts'

export interface D1Service {
  readonly url: string
  readonly database: TestDatabase
  readonly binding: D1Binding
  readonly stop: () => Promise<void>
}

/** The built Worker with a D1 database of its own: no gateway, no other process. */
export async function startD1Service(
  worker: BuiltWorker,
  { vars, isMigrated }: { readonly vars: Readonly<Record<string, string>>; readonly isMigrated: boolean },
  onLog: (line: string) => void,
): Promise<D1Service> {
  const workerd = runWorker(worker, { ...vars, DATABASE_URL: `d1://${d1Binding}` }, onLog, [d1Binding])
  const stop = () => workerd.dispose()
  try {
    const { origin: url } = await workerd.ready
    const binding = await workerd.getD1Database(d1Binding)
    const database = testDatabaseOf(binding, () => Promise.resolve())
    if (isMigrated) {
      const opened = await openDatabase({ target: targetOf(database.url), d1: bindingClient(binding) })
      await migrate(opened, readMigrations(workspaceRoot, 'sqlite'))
    }
    return { url, database, binding, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
